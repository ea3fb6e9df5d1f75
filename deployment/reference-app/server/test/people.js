import { hashPassword } from '../src/log-in/password.js'

export const PASSWORD = 'correct horse battery'
// Far cheaper than a users file may hold: tests log in often.
const cheap = { N: 2, r: 1, p: 1 }
const known = await hashPassword(PASSWORD, cheap)

/** @param {string} name @param {string} printedName @param {import('../src/log-in/users.js').User['role']} role */
function person(name, printedName, role) {
  return { name, printedName, role, ...known }
}

export const people = [
  person('jane', 'Dr. Jane Roe', 'radiologist'),
  person('mary', 'Dr. Mary Poe', 'radiologist'),
  person('john', 'Dr. John Doe', 'physician'),
  person('alan', 'Alan Auditor', 'auditor'),
]
