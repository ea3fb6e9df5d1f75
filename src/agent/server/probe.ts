import { probe } from '../../health/index.ts'

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
export async function ask({ at, path, tls, headers, ...question }: Question): Promise<Answer> {
  const answer = await probe(tls ? `https://${tls.servername}${path}` : `http://localhost${path}`, {
    ...question,
    at,
    headers: { 'user-agent': 'pacs-agent', ...headers },
    // The agent asks its own machine over loopback and reads an instance header: the certificate proves nothing here.
    anyCertificate: tls !== undefined,
    maxBody: MAX_BODY,
  })
  if (!answer.ok) return { error: answer.error }
  const { status, headers: got, body } = answer
  return { status, headers: got, body }
}

/** Why `answer` is not the wanted status; null when it is. Without a wanted status every 2xx is right. */
export function faultOf(answer: Answer, wanted?: number): string | null {
  if ('error' in answer) return answer.error
  const good = wanted === undefined ? answer.status >= 200 && answer.status < 300 : answer.status === wanted
  return good ? null : `status ${answer.status}${wanted === undefined ? '' : `, wanted ${wanted}`}`
}
