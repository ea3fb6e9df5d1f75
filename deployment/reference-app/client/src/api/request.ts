import { z } from 'zod/mini'
import { session } from '../session.ts'

const problem = z.object({ error: z.string() })

/** What the API said of a request that it could not answer; the message is for the reader. */
export class ApiProblem extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/**
 * Asks the API and reads its JSON. A change carries the token of the session; an answer 401 ends the session of the page.
 * @throws {ApiProblem}
 */
export async function ask<T>(schema: z.ZodMiniType<T>, path: string, init: RequestInit = {}): Promise<T> {
  const body = await send(path, init)
  const parsed = schema.safeParse(body)
  if (!parsed.success)
    throw new ApiProblem(0, 'the server answered something that this page does not understand: reload it')
  return parsed.data
}

/** A change with a JSON body; the answer is read by `schema`. */
export function change<T>(schema: z.ZodMiniType<T>, method: 'POST' | 'PUT', path: string, body: unknown): Promise<T> {
  return ask(schema, path, jsonInit(method, body))
}

export function jsonInit(method: 'POST' | 'PUT' | 'DELETE', body: unknown, signal?: AbortSignal): RequestInit {
  return {
    method,
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
    ...(signal ? { signal } : {}),
  }
}

/** @returns the JSON of the answer, undefined when it has none */
export async function send(path: string, init: RequestInit): Promise<unknown> {
  const headers = new Headers(init.headers)
  const token = session.token()
  if (init.method && token) headers.set('X-Csrf-Token', token)
  const response = await fetch(path, { ...init, headers })
  const body: unknown = await response.json().catch(() => undefined)
  if (response.ok) return body
  const said = problem.safeParse(body)
  // A wrong password for a signature is 401 as well; then the session of the page is still there to be asked.
  if (response.status === 401 && !path.endsWith('/sign')) session.runOut()
  throw new ApiProblem(response.status, said.success ? said.data.error : `the server answered ${response.status}`)
}
