import { z } from 'zod/mini'
import { session } from '../session.ts'
import { ask, change, jsonInit, send } from './request.ts'

const who = z.object({
  user: z.string(),
  printedName: z.string(),
  role: z.enum(['radiologist', 'physician', 'auditor']),
  csrfToken: z.string(),
})
const people = z.object({ users: z.array(z.object({ name: z.string(), printedName: z.string() })) })

export type Person = z.infer<typeof people>['users'][number]

/** Whether the browser still has a session from before. */
export async function resume(signal: AbortSignal): Promise<void> {
  session.begin(await ask(who, '/api/session', { signal }))
}

/** @throws ApiProblem: wrong, locked, or Redis or MongoDB is away */
export async function logIn(name: string, password: string): Promise<void> {
  session.begin(await change(who, 'POST', '/api/session', { name, password }))
}

export async function logOut(): Promise<void> {
  await send('/api/session', jsonInit('DELETE', {}))
  session.end()
}

/** Those who can be told of a finding. */
export async function readPeople(signal: AbortSignal): Promise<Person[]> {
  return (await ask(people, '/api/users', { signal })).users
}
