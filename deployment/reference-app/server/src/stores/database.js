import { MongoClient, MongoError, MongoServerError, MongoServerSelectionError } from 'mongodb'
import { DatabaseUnavailable } from '../problems.js'
import { TimeLimit, within } from './time-limit.js'

/**
 * The part of the driver that the app uses. What comes out is unknown: it is parsed where it is read.
 * @typedef {{
 *   insertOne(document: object): Promise<unknown>,
 *   findOne(filter: object): Promise<unknown>,
 *   find(filter: object): Cursor,
 *   findOneAndUpdate(filter: object, update: object, options: { returnDocument: 'after' }): Promise<unknown>,
 *   updateOne(filter: object, update: object): Promise<{ matchedCount: number }>,
 *   updateMany(filter: object, update: object): Promise<{ matchedCount: number }>,
 * }} Documents
 * @typedef {AsyncIterable<unknown> & {
 *   sort(sort: Record<string, 1 | -1>): Cursor,
 *   limit(count: number): Cursor,
 *   toArray(): Promise<unknown[]>,
 * }} Cursor
 * @typedef {{ collection(name: string): Documents, command(command: object): Promise<unknown> }} Db
 */

/** A document with this value in a unique index exists already. */
export class Duplicate extends Error {}

/** Codes of a server that is there but cannot serve now: authentication, shutdown, no primary, interrupted. */
const UNAVAILABLE = new Set([6, 7, 13, 18, 89, 91, 189, 9001, 10107, 11600, 11602, 13435, 13436])

/** MongoDB, asked with a time limit. Nothing is asked before it is needed, so the app starts without it. */
export class Database {
  #db
  #limit

  /**
   * @param {Db} db
   * @param {number} [limit] milliseconds for one question
   */
  constructor(db, limit = 3000) {
    this.#db = db
    this.#limit = limit
  }

  /**
   * @template T
   * @param {(db: Db) => Promise<T>} work one question; a walk over many documents is not one
   * @returns {Promise<T>}
   * @throws {DatabaseUnavailable | Duplicate}
   */
  async ask(work) {
    try {
      return await within(work(this.#db), this.#limit)
    } catch (error) {
      throw told(error)
    }
  }

  /**
   * The documents of a collection in order, one by one: as long as that takes, with the driver's limit for each batch.
   * @param {string} collection
   * @param {Record<string, 1 | -1>} sort
   * @returns {AsyncGenerator<unknown>}
   * @throws {DatabaseUnavailable}
   */
  async *walk(collection, sort) {
    try {
      yield* this.#db.collection(collection).find({}).sort(sort)
    } catch (error) {
      throw told(error)
    }
  }

  /**
   * @param {number} limit milliseconds
   * @throws {DatabaseUnavailable}
   */
  async ping(limit) {
    await within(
      this.ask((db) => db.command({ ping: 1 })),
      limit,
    ).catch((error) => {
      throw told(error)
    })
  }
}

/**
 * @param {{ url: string, username: string, password: string }} access the URL names the database, and the size of the pool
 * @returns {{ database: Database, close: () => Promise<void> }}
 */
export function openDatabase({ url, username, password }) {
  const client = new MongoClient(url, {
    appName: 'pacs-backend',
    auth: { username, password },
    authSource: 'admin',
    serverSelectionTimeoutMS: 1500,
    connectTimeoutMS: 1500,
    socketTimeoutMS: 30_000,
  })
  return { database: new Database(client.db()), close: () => client.close() }
}

/** @param {unknown} error */
function told(error) {
  if (error instanceof TimeLimit) return new DatabaseUnavailable(error.message)
  if (!(error instanceof MongoError)) return error
  if (error instanceof MongoServerSelectionError) return new DatabaseUnavailable('no connection')
  if (error instanceof MongoServerError) {
    if (error.code === 11000) return new Duplicate()
    if (error.code === 18 || error.code === 13) return new DatabaseUnavailable('it refused the login')
    if (!UNAVAILABLE.has(Number(error.code))) return error
  }
  return new DatabaseUnavailable('the connection broke')
}
