import { formatDuration } from '../lib/index.ts'
import { log } from './log.ts'

/** Long work shows at least this often that it goes on, in milliseconds. */
const BEAT_MS = 4000

export interface Heartbeat {
  /** How far the work is, shown with the next beat. */
  tell(detail: string): void
  stop(): void
}

/** Says every few seconds that `what` goes on, how far it is and for how long it has. */
export function startHeartbeat(what: string, beat = BEAT_MS): Heartbeat {
  const since = performance.now()
  let detail = ''
  const timer = setInterval(() => {
    log.foreign(`… ${what}${detail} (${formatDuration(performance.now() - since)})`)
  }, beat)
  return {
    tell(next) {
      detail = `: ${next}`
    },
    stop: () => clearInterval(timer),
  }
}
