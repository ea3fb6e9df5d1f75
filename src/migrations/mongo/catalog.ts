import { type Db, type Document, type IndexDescription, MongoServerError } from 'mongodb'
import { z } from 'zod'
import { Failure } from '../../lib/index.ts'
import type { CatalogStore, CollectionState, IndexState, Validation } from '../store.ts'
import { together } from '../together.ts'
import { inTurn } from './in-turn.ts'

const record = z.record(z.string(), z.unknown())

const optionsSchema = z
  .looseObject({
    validator: record.optional(),
    validationLevel: z.enum(['off', 'moderate', 'strict']).optional(),
    validationAction: z.enum(['warn', 'error', 'errorAndLog']).optional(),
  })
  .default({})

const collectionSchema = z.looseObject({ name: z.string(), type: z.string().optional(), options: optionsSchema })

const indexSchema = z.looseObject({
  name: z.string(),
  key: record,
  v: z.unknown().optional(),
  ns: z.unknown().optional(),
})

/** By which strings are the same, where an index says so. */
const collationSchema = z.object({ collation: z.looseObject({ locale: z.string() }).optional() })

/** Milliseconds that one of the counting questions may take. */
const COUNT_LIMIT = 10 * 60_000

/** An empty validator with a server's own defaults: no level is left behind that a later validator would inherit. */
const WITHOUT_VALIDATION = { validator: {}, validationLevel: 'strict', validationAction: 'error' }

/** Codes of the server (error_codes.yml in its source). */
const NAMESPACE_NOT_FOUND = 26
const INDEX_NOT_FOUND = 27
const NAMESPACE_EXISTS = 48

/** Collections, validators and indexes. */
export function mongoCatalog(db: Db): CatalogStore {
  const queued = inTurn()
  const look = together(async (names: readonly string[]) => {
    const [name] = names
    const filter = { name: names.length === 1 ? name : { $in: names } }
    const found = await queued(() => db.listCollections(filter).toArray())
    const byName = new Map(found.map((one) => collectionSchema.parse(one)).map((one) => [one.name, one]))
    return names.map((one) => byName.get(one) ?? null)
  })
  const describe = async (name: string): Promise<CollectionState | null> => {
    const found = await look(name)
    if (found === null) return null
    if (found.type === 'view') throw new Failure('refused', `${name} is a view: a declaration needs a collection`)
    const { validator, validationLevel, validationAction, ...options } = found.options
    const indexes = await queued(() => db.collection(name).listIndexes().toArray())
    return {
      options,
      validation: validationOf(validator, validationLevel, validationAction),
      indexes: indexes.map(indexStateOf).filter(({ name: index }) => index !== '_id_'),
    }
  }
  return {
    describe,
    async create(name, options, validation) {
      const all = { ...options, ...validationOptions(validation) }
      await lateOr(
        NAMESPACE_EXISTS,
        queued(() => db.createCollection(name, all)),
      )
    },
    async setValidation(name, validation) {
      const options = validation === null ? WITHOUT_VALIDATION : validationOptions(validation)
      await db.command({ collMod: name, ...options })
    },
    async createIndexes(name, indexes) {
      await queued(() => db.collection(name).createIndexes(indexes.map(descriptionOf)))
    },
    async setExpiry(name, index, seconds) {
      await db.command({ collMod: name, index: { name: index, expireAfterSeconds: seconds } })
    },
    async dropIndex(name, index) {
      await lateOr(INDEX_NOT_FOUND, db.collection(name).dropIndex(index))
    },
    async drop(name) {
      await lateOr(NAMESPACE_NOT_FOUND, db.collection(name).drop())
    },
    countInvalid: (name, schema) =>
      db.collection(name).countDocuments({ $nor: [{ $jsonSchema: schema }] }, { maxTimeMS: COUNT_LIMIT }),
    async countDuplicates(name, index) {
      const { collation } = collationSchema.parse(index.options)
      // An index takes a field that is absent for null.
      const values = Object.keys(index.key).map((field, at) => [`k${at}`, { $ifNull: [`$${field}`, null] }])
      const [found] = await db
        .collection(name)
        .aggregate(
          [
            { $match: indexedBy(index) },
            { $group: { _id: Object.fromEntries(values), count: { $sum: 1 } } },
            { $match: { count: { $gt: 1 } } },
            { $count: 'groups' },
          ],
          { allowDiskUse: true, maxTimeMS: COUNT_LIMIT, ...(collation === undefined ? {} : { collation }) },
        )
        .toArray()
      return Number(found?.groups ?? 0)
    },
    async countExpired(name, index) {
      const [field] = Object.keys(index.key)
      const { expireAfterSeconds } = index.options
      const query = {
        $expr: { $lt: [`$${field}`, { $subtract: ['$$NOW', Number(expireAfterSeconds) * 1000] }] },
        [field ?? '']: { $type: 'date' },
      }
      return db.collection(name).countDocuments({ $and: [indexedBy(index), query] }, { maxTimeMS: COUNT_LIMIT })
    },
    count: (name, filter) => db.collection(name).countDocuments(filter, { maxTimeMS: COUNT_LIMIT }),
  }
}

/** Which documents an index holds. */
function indexedBy({ key, options }: IndexState): Document {
  if (options.sparse === true) return { $or: Object.keys(key).map((field) => ({ [field]: { $exists: true } })) }
  return record.default({}).parse(options.partialFilterExpression)
}

/**
 * Takes the refusal `code` for done: a command that was on its way when the connection broke may be carried out only after the run has
 * looked again. Whether it became what was asked is read back.
 */
async function lateOr(code: number, command: Promise<unknown>): Promise<void> {
  try {
    await command
  } catch (thrown) {
    if (!(thrown instanceof MongoServerError && thrown.code === code)) throw thrown
  }
}

function validationOptions(validation: Validation | null): Document {
  if (validation === null) return {}
  const { validator, level, action } = validation
  return { validator, validationLevel: level, validationAction: action }
}

function validationOf(
  validator: Record<string, unknown> | undefined,
  level: Validation['level'] = 'strict',
  action: Validation['action'] = 'error',
): Validation | null {
  if (validator === undefined || Object.keys(validator).length === 0) return null
  return { validator, level, action }
}

function indexStateOf(document: Document): IndexState {
  const { name, key, v: _version, ns: _namespace, ...options } = indexSchema.parse(document)
  return { name, key, options: Object.fromEntries(Object.entries(options).filter(([, value]) => value !== false)) }
}

function descriptionOf({ name, key, options }: IndexState): IndexDescription {
  return { ...options, name, key }
}
