// Each `docker` that starts takes 30 to 70 ms of a processor that wants to build, so the engine is asked at its socket where it has one here.
import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import { Failure, messageOf, refusalOf } from '../lib/index.ts'

/** Where the engine is, and how its client is started. */
export interface EngineAccess {
  /** As BuildEngine has it. */
  host: string
  env: Readonly<Record<string, string>>
  signal: AbortSignal
}

/** The unix socket of an engine; null for one that only its client reaches. */
export function socketOf(host: string): string | null {
  if (host === '') return '/var/run/docker.sock'
  return host.startsWith('unix://') ? host.slice('unix://'.length) : null
}

interface Asking {
  body?: object | undefined
  signal?: AbortSignal
  /** Takes what a good answer holds. */
  onBytes?: (bytes: Uint8Array) => void
}

/**
 * Asks the engine at its socket.
 * @returns its answer, whatever the status. @throws Failure `error` when it does not answer; the signal's reason on abort
 */
export function askEngine(
  socketPath: string,
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  { body, signal, onBytes }: Asking = {},
) {
  return new Promise<{ status: number; said: string }>((resolve, reject) => {
    const fail = (thrown: unknown) => {
      if (signal?.aborted) reject(signal.reason)
      else reject(new Failure('error', `the Docker engine does not answer at ${socketPath}: ${messageOf(thrown)}`))
    }
    const headers = { host: 'localhost', ...(body ? { 'content-type': 'application/json' } : {}) }
    const options = { socketPath, method, path, headers, agent: false, ...(signal ? { signal } : {}) }
    const outgoing = request(options, (response) => {
      const { statusCode: status = 0 } = response
      if (status !== 200 || !onBytes) {
        text(response).then((said) => resolve({ status, said }), fail)
        return
      }
      response.on('data', onBytes).on('error', fail)
      response.on('end', () =>
        response.complete ? resolve({ status, said: '' }) : fail(new Error('the answer was cut')),
      )
    })
    outgoing.on('error', fail).end(body && JSON.stringify(body))
  })
}

/** What the engine at a socket says as JSON. @throws Failure `error` when it says no, or does not answer */
export async function readEngine(
  socketPath: string,
  method: 'GET' | 'POST',
  path: string,
  asking: Asking = {},
): Promise<unknown> {
  const { status, said } = await askEngine(socketPath, method, path, asking)
  if (status < 300) return JSON.parse(said)
  throw new Failure('error', `the Docker engine answers ${status} to ${method} ${path}: ${refusalOf(said)}`)
}
