import { request } from 'node:http'
import { request as secureRequest } from 'node:https'
import { messageOf } from '../../lib/index.ts'

/** What came back from one request, or why nothing did. */
export type Answer =
  | { status: number; headers: Readonly<Record<string, string | string[] | undefined>>; body: string }
  | { error: string }

export interface Question {
  /** Where it is asked: a port, or the path of a unix socket. */
  at: { host: string; port: number } | { socketPath: string }
  /** GET when absent. */
  method?: 'GET' | 'POST'
  path: string
  headers?: Readonly<Record<string, string>>
  /** Speak TLS with this server name. */
  tls?: { servername: string }
  /** Milliseconds for the whole exchange. */
  timeout: number
}

/** Characters of an answer that are kept: more than Traefik's metrics and routers have, less than would matter. */
const MAX_BODY = 4 * 1024 * 1024

/** Asks once on a connection of its own and reads the whole answer, so that a short body counts as an error. */
export function ask(question: Question): Promise<Answer> {
  return new Promise((resolve) => {
    const { at, method = 'GET', path, headers, tls, timeout } = question
    const options = { ...at, method, path, agent: false as const, signal: AbortSignal.timeout(timeout) }
    const outgoing = tls
      ? // The agent asks its own machine over loopback and reads an instance header: the certificate proves nothing here.
        secureRequest({
          ...options,
          servername: tls.servername,
          rejectUnauthorized: false,
          headers: { host: tls.servername, ...headers },
        })
      : request({ ...options, headers })
    outgoing.on('error', (error) => resolve({ error: messageOf(error) }))
    outgoing.on('response', (response) => {
      response.on('error', (error) => resolve({ error: messageOf(error) }))
      let body = ''
      response.setEncoding('utf8').on('data', (text: string) => {
        if (body.length < MAX_BODY) body += text
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }))
    })
    outgoing.end()
  })
}

/** Why `answer` is not the wanted status; null when it is. Without a wanted status every 2xx is right. */
export function faultOf(answer: Answer, wanted?: number): string | null {
  if ('error' in answer) return answer.error
  const good = wanted === undefined ? answer.status >= 200 && answer.status < 300 : answer.status === wanted
  return good ? null : `status ${answer.status}${wanted === undefined ? '' : `, wanted ${wanted}`}`
}
