import { readFileSync } from 'node:fs'
import { z } from 'zod'

const base64 = (/** @type {number} */ bytes) =>
  z
    .base64('is not base64')
    .refine((text) => Buffer.from(text, 'base64').length >= bytes, `is shorter than ${bytes} bytes`)

/** How a person is called in records and requests. */
export const userName = z.string().regex(/^[a-z][a-z0-9._-]{0,63}$/, 'is no user name like jane.doe')

/** Everybody reads and acknowledges; a radiologist writes and signs; an auditor reads the audit trail. */
export const role = z.enum(['radiologist', 'physician', 'auditor'])

const user = z
  .strictObject({
    name: userName,
    printedName: z.string().min(1).max(128),
    role,
    salt: base64(16),
    hash: base64(32),
    // Below 2^14 a stolen file is guessed too fast; above the sum a log-in takes more memory than the container has.
    N: z
      .number()
      .int()
      .min(2 ** 14, 'is below 16384')
      .max(2 ** 16, 'is above 65536')
      .refine((n) => Number.isInteger(Math.log2(n)), 'is no power of 2'),
    r: z.number().int().min(1).max(8),
    p: z.number().int().min(1).max(16),
  })
  .refine(({ N, r }) => N < 2 ** (16 * r), {
    path: ['N'],
    message: 'is above what scrypt takes with this r (RFC 7914)',
  })
const usersFile = z.array(user).min(1, 'holds no user')

/** @typedef {z.infer<typeof user>} User */
/** @typedef {ReadonlyMap<string, User>} Users by name */

/**
 * Reads the file of users: `[{ name, printedName, role, salt, hash, N, r, p }]`, entries made by hash-password.js.
 * @param {string} file
 * @returns {Users}
 * @throws Error with one line for each thing that is wrong
 */
export function readUsers(file) {
  let content
  try {
    content = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    // A parser's message would quote the file.
    if (error instanceof SyntaxError) throw new Error('is not JSON')
    throw error
  }
  const parsed = usersFile.safeParse(content)
  if (!parsed.success) {
    throw new Error(parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`).join('; '))
  }
  const users = new Map(parsed.data.map((one) => [one.name, one]))
  if (users.size < parsed.data.length) throw new Error('names somebody twice')
  return users
}
