import { formatDuration } from '../lib/index.ts'
import { log } from './log.ts'

/** Long work shows at least this often that it goes on, in milliseconds. */
const BEAT_MS = 4000

export interface Heartbeat {
  /** Says what is being done now; what came last is repeated with the time it takes when nothing else is said. */
  at(what: string): void
  stop(): void
}

/** Starts to say every few seconds what is being done and for how long. */
export function startHeartbeat(what: string, beat = BEAT_MS): Heartbeat {
  let current = what
  let since = Date.now()
  let timer = schedule()

  function schedule(): NodeJS.Timeout {
    return setInterval(() => log.info(`  … ${current} (${formatDuration(Date.now() - since)})`), beat)
  }

  return {
    at(next) {
      clearInterval(timer)
      timer = schedule()
      if (next === current) return
      current = next
      since = Date.now()
    },
    stop: () => clearInterval(timer),
  }
}
