/** What a follower sees while migrations run. */
export type MigrationEvent =
  | { kind: 'started'; id: string; description: string /** An earlier run was interrupted here. */; again: boolean }
  | {
      kind: 'progress'
      id: string
      collection: string
      /** Documents written by this and earlier runs. */
      done: number
      /** Documents looked at in this pass, of about `total`. */
      seen: number
      total: number
      perSecond: number
      /** Null while it cannot be told. */
      secondsLeft: number | null
    }
  | { kind: 'log'; id: string; line: string }
  | { kind: 'applied' | 'undone'; id: string; milliseconds: number }

export type OnEvent = (event: MigrationEvent) => void

/** Turns counts into events with rate and time left. */
export function meter(
  id: string,
  collection: string,
  onEvent: OnEvent,
  now: () => number = () => performance.now(),
): (done: number, seen: number, total: number) => void {
  const started = now()
  return (done, seen, total) => {
    const seconds = (now() - started) / 1000
    const perSecond = seconds > 0 ? seen / seconds : 0
    const left = Math.max(0, total - seen)
    const secondsLeft = perSecond > 0 ? Math.round(left / perSecond) : null
    onEvent({ kind: 'progress', id, collection, done, seen, total, perSecond: Math.round(perSecond), secondsLeft })
  }
}
