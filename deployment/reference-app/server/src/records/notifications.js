import { ObjectId } from 'mongodb'
import { z } from 'zod'
import { RequestProblem } from '../problems.js'
import { QUERIES } from './queries.js'

const SHOWN = 100

const record = z.object({
  _id: z.instanceof(ObjectId),
  study: z.string(),
  severity: z.enum(['critical', 'urgent']),
  finding: z.string(),
  createdBy: z.string(),
  createdAt: z.date(),
  recipient: z.string(),
  state: z.enum(['open', 'acknowledged']),
  acknowledgedBy: z.string().nullable(),
  acknowledgedAt: z.date().nullable(),
})

/** Findings that somebody must hear of now, until he has said that he did. */
export class Notifications {
  #database

  /** @param {import('../stores/database.js').Database} database */
  constructor(database) {
    this.#database = database
  }

  /**
   * Of those that wait the critical ones first, and of each severity what waits longest: what the limit keeps back comes up as
   * others are acknowledged. Of those acknowledged the newest.
   * @param {'open' | 'acknowledged'} state
   */
  async list(state) {
    if (state === 'open') {
      return (await Promise.all([this.oldestOpen('critical'), this.oldestOpen('urgent')])).flat().map(shown)
    }
    const { collection, filter, sort } = QUERIES.notificationsByState
    const found = await this.#database.ask((db) =>
      db.collection(collection).find(filter(state)).sort(sort).limit(SHOWN).toArray(),
    )
    return z.array(record).parse(found).map(shown)
  }

  /**
   * Those of a severity that have waited longest for an acknowledgement, at most 100.
   * @param {'critical' | 'urgent'} severity
   */
  async oldestOpen(severity) {
    const { collection, filter } = QUERIES.notificationsByState
    const found = await this.#database.ask((db) =>
      db
        .collection(collection)
        .find({ ...filter('open'), severity })
        .sort({ createdAt: 1 })
        .limit(SHOWN)
        .toArray(),
    )
    return z.array(record).parse(found)
  }

  /** @param {{ study: string, severity: 'critical' | 'urgent', finding: string, recipient: string, createdBy: string }} notification */
  async create({ study, severity, finding, recipient, createdBy }) {
    const document = {
      _id: new ObjectId(),
      study,
      severity,
      finding,
      createdBy,
      createdAt: new Date(),
      recipient,
      state: /** @type {const} */ ('open'),
      acknowledgedBy: null,
      acknowledgedAt: null,
    }
    await this.#database.ask((db) => db.collection('criticalnotifications').insertOne(document))
    return shown(document)
  }

  /**
   * The first one counts; it cannot be taken back. To the same person it is answered again: the answer may have been lost.
   * @param {ObjectId} id
   * @param {string} user
   * @throws {RequestProblem} 404, or 409 when somebody was faster
   */
  async acknowledge(id, user) {
    const notifications = /** @param {import('../stores/database.js').Db} db */ (db) =>
      db.collection('criticalnotifications')
    const acknowledgement = { state: 'acknowledged', acknowledgedBy: user, acknowledgedAt: new Date() }
    const changed = await this.#database.ask((db) =>
      notifications(db).findOneAndUpdate(
        { _id: id, state: 'open' },
        { $set: acknowledgement },
        { returnDocument: 'after' },
      ),
    )
    if (changed !== null) return shown(record.parse(changed))
    const found = await this.#database.ask((db) => notifications(db).findOne({ _id: id }))
    if (found === null) throw new RequestProblem(404, 'there is no such notification')
    const first = record.parse(found)
    if (first.acknowledgedBy === user) return shown(first)
    throw new RequestProblem(409, `${first.acknowledgedBy} has acknowledged it already`)
  }
}

/** @param {z.infer<typeof record>} notification */
function shown({ _id, ...rest }) {
  return { id: _id.toHexString(), ...rest }
}
