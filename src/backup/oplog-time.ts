import type { Moment } from './contents.ts'

/** A moment in the oplog of a replica set as one number: seconds in the upper 32 bits, what counts within a second in the lower. */
export type OplogTime = bigint

/** @param text `seconds.increment`, as contents hold it */
export function oplogTime(text: string): OplogTime {
  const [seconds = '', increment = ''] = text.split('.')
  return (BigInt(seconds) << 32n) | BigInt(increment)
}

export function oplogTimeText(time: OplogTime): string {
  return `${time >> 32n}.${time & 0xffff_ffffn}`
}

/** The first moment of the second of `instant`. */
export function startOfSecond(instant: Date): OplogTime {
  return BigInt(Math.floor(instant.getTime() / 1000)) << 32n
}

/** ISO 8601, to the second. */
export function oplogInstant(time: OplogTime): string {
  return new Date(Number(time >> 32n) * 1000).toISOString().replace('.000Z', 'Z')
}

/** As of when a database is held, ISO 8601: nothing that was written before lacks. */
export function instantOf(moment: Moment): string {
  return moment.kind === 'snapshot' ? oplogInstant(oplogTime(moment.clusterTime)) : moment.from
}
