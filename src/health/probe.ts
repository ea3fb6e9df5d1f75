import { request } from 'node:https'
import { messageOf } from '../lib/index.ts'

/** What came back from a server, or why nothing did. */
export type Answer =
  | { ok: true; status: number; headers: Readonly<Record<string, string | string[] | undefined>>; ms: number }
  | { ok: false; error: string; ms: number }

export interface ProbeOptions {
  /** PEM text of the authorities to trust instead of the system's. */
  ca?: string
  /** Milliseconds for the whole exchange. */
  timeout: number
  signal?: AbortSignal
}

/**
 * Asks `url` once, on a connection of its own, as a browser outside would: the certificate is checked, the body read to its
 * end, and a redirect is an answer like any other.
 */
export function probe(url: string, { ca, timeout, signal }: ProbeOptions): Promise<Answer> {
  const started = performance.now()
  const took = () => Math.round(performance.now() - started)
  return new Promise((resolve) => {
    const late = AbortSignal.timeout(timeout)
    const outgoing = request(url, {
      agent: false,
      signal: signal ? AbortSignal.any([late, signal]) : late,
      headers: { 'user-agent': 'pacs-deploy health-check', 'cache-control': 'no-cache' },
      ...(ca === undefined ? {} : { ca }),
    })
    const fail = (thrown: unknown) => {
      const error = late.aborted ? `no answer within ${timeout} ms` : messageOf(thrown)
      resolve({ ok: false, error, ms: took() })
    }
    outgoing.on('error', fail)
    outgoing.on('response', (response) => {
      response.on('error', fail)
      response.on('end', () => {
        // `end` also comes when the connection broke in the middle of the body.
        if (!response.complete) return fail(new Error('the answer was cut'))
        resolve({ ok: true, status: response.statusCode ?? 0, headers: response.headers, ms: took() })
      })
      response.resume()
    })
    outgoing.end()
  })
}
