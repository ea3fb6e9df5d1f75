import { MongoNetworkError, MongoServerError, ObjectId } from 'mongodb'
import { QUERIES } from '../src/records/queries.js'

/** @typedef {Record<string, unknown>} Document */

/**
 * The little of MongoDB that the app uses, in memory, with the unique indexes of the migrations. It can be away or hang.
 */
export class FakeDb {
  /** @type {Map<string, Document[]>} */
  #collections = new Map()
  /** @type {'here' | 'away' | 'hanging'} */
  state = 'here'

  /** @param {string} name */
  documents(name) {
    const documents = this.#collections.get(name) ?? []
    this.#collections.set(name, documents)
    return documents
  }

  async command() {
    await this.#answer()
    return { ok: 1 }
  }

  async #answer() {
    if (this.state === 'away') throw new MongoNetworkError('connection 1 to 10.0.0.9:27017 closed')
    if (this.state === 'hanging') await new Promise(() => {})
  }

  /** @param {string} name */
  collection(name) {
    const documents = this.documents(name)
    const answer = () => this.#answer()
    const change = (/** @type {Document} */ filter, /** @type {Document} */ update, all = false) => {
      const found = documents.filter((one) => matches(one, filter)).slice(0, all ? undefined : 1)
      for (const one of found) Object.assign(one, update.$set)
      return found
    }
    return {
      async insertOne(/** @type {Document} */ document) {
        await answer()
        /** @type {Document} */
        const added = { _id: new ObjectId(), ...document }
        for (const key of uniqueKeys(name)) {
          if (documents.some((one) => key.every((field) => equal(one[field], added[field])))) {
            throw new MongoServerError({ message: 'E11000 duplicate key', code: 11000 })
          }
        }
        documents.push(added)
        return { insertedId: added._id }
      },
      async findOne(/** @type {Document} */ filter) {
        await answer()
        return documents.find((one) => matches(one, filter)) ?? null
      },
      find: (/** @type {Document} */ filter) =>
        new FakeCursor(() => documents.filter((one) => matches(one, filter)), answer),
      async findOneAndUpdate(/** @type {Document} */ filter, /** @type {Document} */ update) {
        await answer()
        return change(filter, update)[0] ?? null
      },
      async updateOne(/** @type {Document} */ filter, /** @type {Document} */ update) {
        await answer()
        return { matchedCount: change(filter, update).length }
      },
      async updateMany(/** @type {Document} */ filter, /** @type {Document} */ update) {
        await answer()
        return { matchedCount: change(filter, update, true).length }
      },
    }
  }
}

class FakeCursor {
  #read
  #answer

  /**
   * @param {() => Document[]} read
   * @param {() => Promise<void>} answer
   */
  constructor(read, answer) {
    this.#read = read
    this.#answer = answer
  }

  /** @param {Record<string, 1 | -1>} sort */
  sort(sort) {
    const [[field, direction] = ['_id', 1]] = Object.entries(sort)
    return new FakeCursor(
      () => this.#read().toSorted((one, two) => direction * Math.sign(Number(one[field]) - Number(two[field]))),
      this.#answer,
    )
  }

  /** @param {number} count */
  limit(count) {
    return new FakeCursor(() => this.#read().slice(0, count), this.#answer)
  }

  async toArray() {
    await this.#answer()
    return this.#read().map((one) => ({ ...one }))
  }

  async *[Symbol.asyncIterator]() {
    yield* await this.toArray()
  }
}

/** @param {string} collection */
function uniqueKeys(collection) {
  return Object.values(QUERIES)
    .filter((query) => query.collection === collection && query.unique)
    .map((query) => Object.keys(query.index))
}

/**
 * @param {Document} document
 * @param {Document} filter
 */
function matches(document, filter) {
  return Object.entries(filter).every(([field, wanted]) => {
    const value = document[field]
    if (wanted === null || typeof wanted !== 'object' || wanted instanceof ObjectId) return equal(value, wanted)
    if ('$in' in wanted && Array.isArray(wanted.$in)) return wanted.$in.some((one) => equal(value, one))
    if ('$lt' in wanted) return Number(value) < Number(wanted.$lt)
    if ('$gt' in wanted) return Number(value) > Number(wanted.$gt)
    throw new Error(`the fake does not know ${JSON.stringify(wanted)}`)
  })
}

/**
 * @param {unknown} one
 * @param {unknown} two
 */
function equal(one, two) {
  return one instanceof ObjectId && two instanceof ObjectId ? one.equals(two) : one === two
}
