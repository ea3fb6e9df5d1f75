import { z } from 'zod'
import { QUERIES } from '../records/queries.js'

const record = z.object({
  session: z.string(),
  user: z.string(),
  createdAt: z.date(),
  lastSeenAt: z.date(),
  endedAt: z.date().nullable(),
  endReason: z.enum(['logout', 'expired', 'replaced']).nullable(),
})
const SHOWN = 20

/** @typedef {z.infer<typeof record>} SessionRecord `session` is the hash of the session's id */

/** Every session there was, in MongoDB. While Redis is away it also answers for it. */
export class SessionHistory {
  #database

  /** @param {import('../stores/database.js').Database} database */
  constructor(database) {
    this.#database = database
  }

  /** @param {{ session: string, user: string, role: string, createdAt: Date }} begun */
  async begin({ session, user, role, createdAt }) {
    const document = { session, user, role, createdAt, lastSeenAt: createdAt, endedAt: null, endReason: null }
    await this.#database.ask((db) => db.collection('sessions').insertOne(document))
  }

  /**
   * @param {string} session
   * @returns {Promise<SessionRecord | null>}
   */
  async find(session) {
    const { collection, filter } = QUERIES.sessionByHash
    const found = await this.#database.ask((db) => db.collection(collection).findOne(filter(session)))
    return found === null ? null : record.parse(found)
  }

  /**
   * @param {string} session
   * @returns {Promise<boolean>} false when it has ended, or never was
   */
  async isOpen(session) {
    return (await this.find(session))?.endedAt === null
  }

  /**
   * @param {string} session
   * @param {Date} at
   * @returns {Promise<boolean>} false when it has ended, or never was
   */
  async touch(session, at) {
    const open = { ...QUERIES.sessionByHash.filter(session), endedAt: null }
    const { matchedCount } = await this.#database.ask((db) =>
      db.collection('sessions').updateOne(open, { $set: { lastSeenAt: at } }),
    )
    return matchedCount === 1
  }

  /**
   * @param {string} session
   * @param {'logout' | 'replaced'} endReason
   * @param {Date} endedAt
   */
  async end(session, endReason, endedAt) {
    const open = { ...QUERIES.sessionByHash.filter(session), endedAt: null }
    await this.#database.ask((db) => db.collection('sessions').updateOne(open, { $set: { endedAt, endReason } }))
  }

  /**
   * Closes sessions of `user` that ended by themselves: nobody saw that moment.
   * @param {string} user
   * @param {Date} idleSince
   * @param {Date} endedAt
   */
  async closeExpired(user, idleSince, endedAt) {
    const { collection, filter } = QUERIES.openSessionsOfUser
    await this.#database.ask((db) =>
      db.collection(collection).updateMany(filter(user, idleSince), { $set: { endedAt, endReason: 'expired' } }),
    )
  }

  /**
   * The newest sessions of `user`.
   * @param {string} user
   */
  async list(user) {
    const { collection, filter, sort } = QUERIES.sessionsOfUser
    const found = await this.#database.ask((db) =>
      db.collection(collection).find(filter(user)).sort(sort).limit(SHOWN).toArray(),
    )
    return z.array(record).parse(found)
  }
}
