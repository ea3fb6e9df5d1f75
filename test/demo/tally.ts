// What a counter saw while a stage ran: requests that were lost, and answers 500 that the stage announced beforehand.
import type { CounterReport, LostRequest } from '../load/counter.ts'

export interface Tally {
  sent: number
  /** What a person would call lost. */
  failed: readonly LostRequest[]
  /** Answers 500 of a release that fails in public, between its switch and its undo. */
  announced: readonly LostRequest[]
  /** Milliseconds between two good answers at most, over all connections. */
  longestGap: number
}

/** The only failures that are not held against a stage: answers 500 in a span of time. */
export interface Announcement {
  /** Milliseconds of the epoch: the switch to the release that fails, and the end of its undo. */
  from: number
  to: number
}

/** A request falls into the announced time by any part of its own: what was asked just before the end of the undo may be answered after it. */
export function tallyOf(report: CounterReport, announcement?: Announcement): Tally {
  const { startedAt, sent, lost, longestGap } = report
  const isAnnounced = ({ status, instance, asked, at }: LostRequest) => {
    if (announcement === undefined || status !== 500 || instance === null) return false
    return startedAt + at >= announcement.from && startedAt + asked <= announcement.to
  }
  return {
    sent,
    failed: lost.filter((one) => !isAnnounced(one)),
    announced: lost.filter(isAnnounced),
    longestGap,
  }
}
