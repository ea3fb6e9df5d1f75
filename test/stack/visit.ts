import { readFile } from 'node:fs/promises'
import { request } from 'node:https'
import { z } from 'zod'
import type { Lab, Machine } from '../lab/index.ts'
import { people } from '../site/users.ts'

/** What a browser and the page in it keep of a log-in. */
export interface Session {
  cookie: string
  csrfToken: string
}

export interface Visit {
  status: number
  headers: Readonly<Record<string, string | string[] | undefined>>
  body: Buffer
}

export interface VisitOptions {
  /** Sent as JSON by POST, or by the method given; without it the request is a GET. */
  body?: unknown
  method?: 'PUT' | 'DELETE'
  session?: Session | undefined
}

/** Asks a server of the lab through its public TLS entry, checking its certificate. */
export async function visit(
  lab: Lab,
  server: Machine,
  path: string,
  { body, method, session }: VisitOptions = {},
): Promise<Visit> {
  const ca = await readFile(lab.ca)
  return new Promise((resolve, reject) => {
    const outgoing = request({
      host: '127.0.0.1',
      port: server.port(443),
      servername: server.hostname,
      ca,
      path,
      timeout: 20_000,
      headers: {
        host: server.hostname,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(session ? { cookie: session.cookie, 'x-csrf-token': session.csrfToken } : {}),
      },
      method: method ?? (body === undefined ? 'GET' : 'POST'),
    })
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer to ${path} within 20 s`)))
    outgoing.on('error', reject)
    outgoing.on('response', (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
      )
    })
    outgoing.end(body === undefined ? undefined : JSON.stringify(body))
  })
}

/** Logs in to the reference app. */
export async function logIn(lab: Lab, server: Machine, who: keyof typeof people = 'jane'): Promise<Session> {
  const { name, password } = people[who]
  const answer = await visit(lab, server, '/api/session', { body: { name, password } })
  if (answer.status !== 201) throw new Error(`${name} cannot log in: ${answer.status} ${answer.body.toString()}`)
  return sessionIn(answer.headers['set-cookie'], answer.body)
}

/** The session that the answer to a log-in begins. */
export function sessionIn(cookies: string | readonly string[] | undefined, body: Buffer): Session {
  const [cookie] = z.tuple([z.string()]).parse(cookies)
  const { csrfToken } = z.object({ csrfToken: z.string() }).parse(JSON.parse(body.toString()))
  return { cookie: cookie.replace(/;.*/, ''), csrfToken }
}
