import { Agent, request } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'

/** A public entry of the shop. */
export interface Entry {
  host: string
  port: number
  servername: string
  /** The authority's certificate, PEM. */
  ca: string
}

/** Milliseconds between an answer and the next question. */
const PAUSE = 5
/** Milliseconds after which a version counts as never seen. */
const LIMIT = 120_000

const versionSchema = z.object({ commit: z.string() })

/**
 * Asks a public entry for its version, over one connection of its own, until it is `commit`.
 * @returns milliseconds since `performance.timeOrigin` at which the first such answer was complete.
 */
export async function firstAnswerOf(entry: Entry, commit: string): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: entry.ca })
  const end = performance.now() + LIMIT
  try {
    for (;;) {
      if ((await versionAt(agent, entry)) === commit) return performance.now()
      if (performance.now() > end) throw new Error(`${commit} did not answer at port ${entry.port} within ${LIMIT} ms`)
      await sleep(PAUSE)
    }
  } finally {
    agent.destroy()
  }
}

/** The commit that answers; null where nothing does. */
function versionAt(agent: Agent, { host, port, servername }: Entry): Promise<string | null> {
  return new Promise((resolve) => {
    const headers = { host: servername }
    const outgoing = request({ agent, host, port, servername, path: '/api/version', headers, timeout: 2000 })
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer')))
    outgoing.on('error', () => resolve(null))
    outgoing.on('response', (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (piece: string) => {
        body += piece
      })
      response.on('error', () => resolve(null))
      response.on('end', () =>
        resolve(response.statusCode === 200 ? versionSchema.parse(JSON.parse(body)).commit : null),
      )
    })
    outgoing.end()
  })
}
