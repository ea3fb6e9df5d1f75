import { ObjectId } from 'mongodb'
import { z } from 'zod'
import { RequestProblem } from '../problems.js'
import { QUERIES } from './queries.js'

/** Milliseconds for which an export can be fetched; its document goes with it. */
const KEPT = 24 * 3_600_000
const SHOWN = 50

const record = z.object({
  _id: z.instanceof(ObjectId),
  user: z.string(),
  studies: z.array(z.string()),
  state: z.enum(['queued', 'running', 'done', 'failed']),
  createdAt: z.date(),
  finishedAt: z.date().nullable(),
  expiresAt: z.date(),
})

/** Studies that somebody asked to take away. Each is fetched by a request of its own: this service works for requests only. */
export class Exports {
  #database

  /** @param {import('../stores/database.js').Database} database */
  constructor(database) {
    this.#database = database
  }

  /** @param {string} user */
  async list(user) {
    const { collection, filter, sort } = QUERIES.exportsOfUser
    const found = await this.#database.ask((db) =>
      db.collection(collection).find(filter(user)).sort(sort).limit(SHOWN).toArray(),
    )
    return z.array(record).parse(found).map(shown)
  }

  /**
   * @param {string} user
   * @param {string[]} studies
   */
  async queue(user, studies) {
    const createdAt = new Date()
    const expiresAt = new Date(createdAt.getTime() + KEPT)
    const state = /** @type {const} */ ('queued')
    const document = { _id: new ObjectId(), user, studies, state, createdAt, finishedAt: null, expiresAt }
    await this.#database.ask((db) => db.collection('exportsessions').insertOne(document))
    return shown(document)
  }

  /**
   * Marks an export of `user` as running: it may be fetched again after it failed, and again after it was done.
   * @param {ObjectId} id
   * @param {string} user
   * @throws {RequestProblem} 404 when it is not there, no longer there, or somebody else's
   */
  async start(id, user) {
    const changed = await this.#database.ask((db) =>
      db
        .collection('exportsessions')
        .findOneAndUpdate(
          { _id: id, user, expiresAt: { $gt: new Date() } },
          { $set: { state: 'running', finishedAt: null } },
          { returnDocument: 'after' },
        ),
    )
    if (changed === null) throw new RequestProblem(404, 'there is no such export, or it has expired')
    return shown(record.parse(changed))
  }

  /**
   * @param {ObjectId} id
   * @param {'done' | 'failed'} state
   */
  async finish(id, state) {
    await this.#database.ask((db) =>
      db.collection('exportsessions').updateOne({ _id: id }, { $set: { state, finishedAt: new Date() } }),
    )
  }
}

/** @param {z.infer<typeof record>} one */
function shown({ _id, ...rest }) {
  return { id: _id.toHexString(), ...rest }
}
