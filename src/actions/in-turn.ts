import { setTimeout as delay } from 'node:timers/promises'
import type { AgentClient } from '../agent/client.ts'
import { Failure, formatDuration } from '../lib/index.ts'
import { log } from '../runner/index.ts'

/**
 * An agent that is asked again as long as another one is served: the server proves its backups every night by itself, and nobody
 * waits for a run of the night to ask once more. The same id is free as long as it was not accepted.
 * @param pause milliseconds until the next attempt
 */
export function inTurn(agent: AgentClient, signal: AbortSignal, pause = 30_000): AgentClient {
  return {
    ...agent,
    async put(id, request) {
      for (let told = false; ; told = true) {
        try {
          return await agent.put(id, request)
        } catch (thrown) {
          if (!(thrown instanceof Failure) || thrown.kind !== 'locked') throw thrown
          if (!told) {
            log.foreign(thrown.message)
            log.info(`waits for it: asks again every ${formatDuration(pause)}`)
          }
        }
        await delay(pause, undefined, { signal })
      }
    },
  }
}
