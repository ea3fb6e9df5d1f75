import { setTimeout } from 'node:timers/promises'
import { z } from 'zod'
import { Families } from '../metrics/families.js'
import { DatabaseUnavailable } from '../problems.js'
import { Duplicate } from '../stores/database.js'
import { entrySchema, nextEntry, verifyChain } from './audit-chain.js'
import { QUERIES } from './queries.js'

/** How often an entry is tried whose place another instance took first. */
const TRIES = 50
/** Seconds in which one person's looking at one thing again is no new entry. */
const SAME_VIEW = 600
const SHOWN = 100
/** Milliseconds in which only what was done waits for a database that has just let an entry wait in vain. */
const PAUSE = 2000

/** @typedef {{ user: string, action: string, target: string, outcome: 'success' | 'failure' }} Event */

/** Who did what, in a chain of hashes in MongoDB. All instances write one chain; the unique index on seq is their order. */
export class AuditLog {
  #database
  #keyStore
  #families
  #now
  /** @type {Promise<unknown>} */
  #queue = Promise.resolve()
  #pausedUntil = 0

  /**
   * @param {import('../stores/database.js').Database} database
   * @param {import('../stores/key-store.js').KeyStore} keyStore
   * @param {Families} [families]
   * @param {() => number} [now] milliseconds
   */
  constructor(database, keyStore, families = new Families(), now = () => performance.now()) {
    this.#database = database
    this.#keyStore = keyStore
    this.#families = families
    this.#now = now
  }

  /**
   * Writes one entry. What was done is tried however the one before it ended; what failed is not, in a pause.
   * @param {Omit<Event, 'outcome'> & Partial<Event>} event
   * @throws {DatabaseUnavailable}
   */
  append({ user, action, target, outcome = 'success' }) {
    return this.#queued({ user, action, target, outcome }, outcome === 'success')
  }

  /**
   * Does `work` and writes down how it ended. What succeeded but could not be written down is a failure: 503.
   * @template T
   * @param {{ user: string, action: string, target: string }} event
   * @param {() => Promise<T>} work
   * @param {(result: T) => { target?: string, outcome?: 'success' | 'failure' }} [told] what only its result tells
   * @returns {Promise<T>}
   */
  async around(event, work, told = () => ({})) {
    const result = await this.before(event, work)
    await this.append({ ...event, ...told(result) })
    return result
  }

  /**
   * Does what comes before the act itself, and writes it down only when it fails, whoever failed: what was half done is not known.
   * Without the database there is no trail.
   * @template T
   * @param {{ user: string, action: string, target: string }} event
   * @param {() => Promise<T>} work
   * @returns {Promise<T>}
   */
  async before(event, work) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof DatabaseUnavailable)) await this.append({ ...event, outcome: 'failure' })
      throw error
    }
  }

  /**
   * Writes down that `session` looked at something, once in ten minutes. Care goes on without the database: what could not be
   * written is in the log of this instance.
   * @param {import('../sessions/sessions.js').Session} session
   * @param {{ action: string, target: string }} event
   * @param {import('pino').Logger} log
   */
  async viewed({ hash, user }, { action, target }, log) {
    const key = `viewed:${hash}:${action}:${target}`
    const isNew = await this.#keyStore.setIfAbsent(key, '1', SAME_VIEW).catch(() => true)
    if (!isNew) return
    try {
      await this.#queued({ user: user.name, action, target, outcome: 'success' }, false)
    } catch (error) {
      if (!(error instanceof DatabaseUnavailable)) throw error
      log.error({ user: user.name, action, problem: error.message }, 'an audit entry was not written')
      await this.#keyStore.delete(key).catch(() => undefined)
    }
  }

  /** The newest entries, newest first. */
  async newest() {
    const { collection, filter, sort } = QUERIES.auditBySeq
    const found = await this.#database.ask((db) =>
      db.collection(collection).find(filter()).sort(sort).limit(SHOWN).toArray(),
    )
    return z.array(entrySchema).parse(found)
  }

  /** Recomputes the chain from its first entry. */
  verify() {
    return verifyChain(this.#database.walk(QUERIES.auditBySeq.collection, { seq: 1 }))
  }

  /**
   * Within this instance entries queue, so that only instances compete for a place. Those that wait when one fails must not each wait
   * as long again: views would hang for minutes.
   * @param {Event} event
   * @param {boolean} insists whether it is tried in a pause, too
   */
  #queued(event, insists) {
    const written = this.#queue.then(() =>
      this.#families.auditWrite(event, async () => {
        if (!insists && this.#now() < this.#pausedUntil) throw new DatabaseUnavailable('it gives no answers')
        await this.#write(event)
      }),
    )
    this.#queue = written.catch(() => undefined)
    return written
  }

  /** @param {Event} event */
  async #write(event) {
    for (let tries = 1; ; tries++) {
      try {
        await this.#database.ask(async (db) => {
          const { collection, filter, sort } = QUERIES.auditBySeq
          const entries = db.collection(collection)
          const [last = null] = z.array(entrySchema).parse(await entries.find(filter()).sort(sort).limit(1).toArray())
          await entries.insertOne(nextEntry(last, { at: new Date(), ...event }))
        })
        return
      } catch (error) {
        if (error instanceof DatabaseUnavailable) this.#pausedUntil = this.#now() + PAUSE
        if (!(error instanceof Duplicate)) throw error
        if (tries === TRIES) throw new DatabaseUnavailable('the audit trail is written by too many at once')
        await setTimeout(Math.random() * Math.min(tries * 5, 100))
      }
    }
  }
}
