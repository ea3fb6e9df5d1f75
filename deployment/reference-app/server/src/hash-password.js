// node src/hash-password.js NAME ROLE 'PRINTED NAME' < password   prints an entry for USERS_FILE.
// The password comes by standard input: arguments are seen by everybody on the machine.
import { text } from 'node:stream/consumers'
import { hashPassword } from './log-in/password.js'
import { role, userName } from './log-in/users.js'

const MINIMUM = 12
const [name, asked, printedName] = process.argv.slice(2)
const parsed = { name: userName.safeParse(name), role: role.safeParse(asked) }
if (!parsed.name.success || !parsed.role.success || !printedName) {
  process.stderr.write(
    `usage: node src/hash-password.js NAME ROLE 'PRINTED NAME' < password   (NAME like jane.doe; ROLE: ${role.options.join(', ')})\n`,
  )
  process.exitCode = 2
} else {
  const password = (await text(process.stdin)).replace(/\r?\n$/, '')
  if (password.length < MINIMUM) {
    process.stderr.write(`the password has fewer than ${MINIMUM} characters\n`)
    process.exitCode = 1
  } else {
    const entry = { name, printedName, role: asked, ...(await hashPassword(password)) }
    process.stdout.write(`${JSON.stringify(entry)}\n`)
  }
}
