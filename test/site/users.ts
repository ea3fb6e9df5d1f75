// Who may log in to the reference app in tests: the content of its secret file app-users.json, with the passwords that are in it.
import { randomBytes, scryptSync } from 'node:crypto'

export interface Person {
  name: string
  printedName: string
  role: 'radiologist' | 'physician' | 'auditor'
  password: string
}

/** One person of each role. The password is no secret: it opens servers that live as long as a test. */
export const people = {
  jane: { name: 'jane', printedName: 'Dr. Jane Roe', role: 'radiologist', password: 'jane in the lab' },
  john: { name: 'john', printedName: 'Dr. John Doe', role: 'physician', password: 'john in the lab' },
  alan: { name: 'alan', printedName: 'Alan Auditor', role: 'auditor', password: 'alan in the lab' },
} as const satisfies Record<string, Person>

/** The cheapest that the app accepts: on a machine of two cores everything else is tested at the same time. */
const COST = { N: 2 ** 14, r: 8, p: 1 }

/** The content of app-users.json. */
export function usersFile(): string {
  return JSON.stringify(
    Object.values(people).map(({ password, ...person }) => {
      const salt = randomBytes(16)
      const hash = scryptSync(password, salt, 32, COST)
      return { ...person, salt: salt.toString('base64'), hash: hash.toString('base64'), ...COST }
    }),
  )
}
