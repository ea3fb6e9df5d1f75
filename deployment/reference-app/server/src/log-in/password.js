import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

/** What the OWASP cheat sheet calls equal to N=2^17, p=1, with 16 MiB instead of 128: the container has 256. */
export const COST = { N: 2 ** 14, r: 8, p: 5 }
const LENGTH = 32
const scryptOf = /** @type {(password: string, salt: Buffer, length: number, options: object) => Promise<Buffer>} */ (
  promisify(scrypt)
)

/** @typedef {{ salt: string, hash: string, N: number, r: number, p: number }} PasswordHash salt and hash in base64 */

/**
 * @param {string} password
 * @param {{ N: number, r: number, p: number }} [cost]
 * @returns {Promise<PasswordHash>}
 */
export async function hashPassword(password, cost = COST) {
  const salt = randomBytes(16)
  const hash = await derive(password, salt, LENGTH, cost)
  return { salt: salt.toString('base64'), hash: hash.toString('base64'), ...cost }
}

/**
 * Takes as long for a wrong password as for the right one.
 * @param {string} password
 * @param {PasswordHash} known
 */
export async function isPassword(password, { salt, hash, N, r, p }) {
  const expected = Buffer.from(hash, 'base64')
  const given = await derive(password, Buffer.from(salt, 'base64'), expected.length, { N, r, p })
  return timingSafeEqual(given, expected)
}

/**
 * @param {string} password
 * @param {Buffer} salt
 * @param {number} length
 * @param {{ N: number, r: number, p: number }} cost
 */
function derive(password, salt, length, { N, r, p }) {
  // By default Node refuses what takes more than 32 MiB; a users file may name 64.
  return scryptOf(password.normalize('NFKC'), salt, length, { N, r, p, maxmem: 128 * r * (N + p + 2) })
}
