import { type ClientRequest, request as plainRequest, type RequestOptions } from 'node:http'
import { request as secureRequest } from 'node:https'
import { messageOf } from '../lib/index.ts'

/** What came back from a server, or why nothing did. */
export type Answer =
  | {
      ok: true
      status: number
      headers: Readonly<Record<string, string | string[] | undefined>>
      /** The body as text, cut after `maxBody`. */
      body: string
      ms: number
    }
  | { ok: false; error: string; ms: number }

export interface ProbeOptions {
  /** GET when left out. */
  method?: 'GET' | 'POST'
  /** PEM text of the authorities to trust instead of the system's. */
  ca?: string
  /** Takes every certificate: for a machine that asks itself, where it proves nothing. */
  anyCertificate?: boolean
  /** Milliseconds for the whole exchange. */
  timeout: number
  /** Connects here instead of to the host of the URL, whose name is still the one that is asked for. */
  at?: { host: string; port: number } | { socketPath: string }
  headers?: Readonly<Record<string, string>>
  /** Characters after which the body is cut; {@link MAX_BODY} when left out. */
  maxBody?: number
  signal?: AbortSignal
}

const MAX_BODY = 256 * 1024

/**
 * Asks `url` once, on a connection of its own, as a browser outside would: the certificate is checked, the body read to its
 * end, and a redirect is an answer like any other.
 */
export function probe(
  url: string,
  { method = 'GET', ca, anyCertificate = false, timeout, at, headers, maxBody = MAX_BODY, signal }: ProbeOptions,
): Promise<Answer> {
  const started = performance.now()
  const took = () => Math.round(performance.now() - started)
  return new Promise((resolve) => {
    const late = AbortSignal.timeout(timeout)
    const outgoing = start(url, {
      method,
      agent: false,
      rejectUnauthorized: !anyCertificate,
      signal: signal ? AbortSignal.any([late, signal]) : late,
      headers: { 'user-agent': 'pacs-deploy health-check', 'cache-control': 'no-cache', ...headers },
      ...(ca === undefined ? {} : { ca }),
      // "hostname" is what decides where to connect; the URL gives one too.
      ...(at && 'host' in at ? { hostname: at.host, port: at.port } : at),
    })
    const fail = (thrown: unknown) => {
      const error = late.aborted ? `no answer within ${timeout} ms` : messageOf(thrown)
      resolve({ ok: false, error, ms: took() })
    }
    outgoing.on('error', fail)
    outgoing.on('response', (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (text: string) => {
        if (body.length < maxBody) body += text
      })
      response.on('error', fail)
      response.on('end', () => {
        // `end` also comes when the connection broke in the middle of the body.
        if (!response.complete) return fail(new Error('the answer was cut'))
        resolve({ ok: true, status: response.statusCode ?? 0, headers: response.headers, body, ms: took() })
      })
    })
    outgoing.end()
  })
}

function start(url: string, options: RequestOptions & { ca?: string; rejectUnauthorized: boolean }): ClientRequest {
  const { protocol, host, hostname } = new URL(url)
  if (protocol !== 'https:') return plainRequest(url, options)
  return secureRequest(url, { ...options, headers: { ...options.headers, host }, servername: hostname })
}
