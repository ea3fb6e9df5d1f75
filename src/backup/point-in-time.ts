import { type OplogTime, oplogInstant } from './oplog-time.ts'

/** What the oplog that a backup keeps tells: after `from`, up to `to`. */
export interface Reach {
  id: string
  from: OplogTime
  to: OplogTime
}

const SECOND = 1n << 32n

/** What the live server tells by itself; null where nothing, and `why` then. */
export type LiveReach = { oldest: OplogTime; now: OplogTime } | { why: string }

export interface Chain {
  /** Ids of the backups whose oplog follows upon the dump, in their order. */
  slices: string[]
  /** From when on the oplog of the live server is needed; null where it is not. */
  liveFrom: OplogTime | null
}

/**
 * How all that was written before `until` is had from a dump.
 * @param later backups after that of the dump, oldest first, asked for only as far as they are needed
 * @returns why it is not, in one line, with what is
 */
export async function chainFrom(
  moment: OplogTime,
  until: OplogTime,
  later: AsyncIterable<Reach>,
  live: LiveReach,
): Promise<Chain | string> {
  if ('now' in live && until > live.now) return `${oplogInstant(until)} is to come, or less than 10 s ago`
  const slices: string[] = []
  let reached = moment
  for await (const { id, from, to } of later) {
    if (from > reached || to <= reached) continue
    slices.push(id)
    reached = to
    if (reached + 1n >= until) return { slices, liveFrom: null }
  }
  const why =
    'why' in live
      ? live.why
      : live.oldest > reached
        ? `the live server keeps its oplog only from ${oplogInstant(live.oldest)} on`
        : null
  if (why === null) return { slices, liveFrom: reached }
  const [first, last] = [oplogInstant(moment + SECOND), oplogInstant(reached)]
  const may =
    reached >= moment + SECOND ? `from this backup --to may be ${first} to ${last}` : 'nothing follows upon this backup'
  return `what was written from ${last} to ${oplogInstant(until)} is not told without a gap: ${why}; ${may}`
}
