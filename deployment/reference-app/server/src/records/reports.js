import { ObjectId } from 'mongodb'
import { z } from 'zod'
import { RequestProblem } from '../problems.js'
import { Duplicate } from '../stores/database.js'
import { canonicalJson, sha256 } from './canonical.js'
import { QUERIES } from './queries.js'
import { judge } from './signatures.js'

const SHOWN = 20

const record = z.object({
  _id: z.instanceof(ObjectId),
  study: z.string(),
  text: z.string(),
  author: z.string(),
  createdAt: z.date(),
  version: z.number().int(),
  state: z.enum(['draft', 'signed']),
})

/** @typedef {z.infer<typeof record>} Report one version: saving makes a new one, so that what was said before stays readable */

/** Reports of studies and who signed them. */
export class Reports {
  #database
  #signatures

  /**
   * @param {import('../stores/database.js').Database} database
   * @param {import('./signatures.js').Signatures} signatures
   */
  constructor(database, signatures) {
    this.#database = database
    this.#signatures = signatures
  }

  /**
   * The versions of a study's report, newest first, each with its signatures, judged now.
   * @param {string} study
   */
  async read(study) {
    const versions = await this.#versions(study, SHOWN)
    const signatures = await this.#signatures.of(versions.map(idOf))
    return versions.map((version) => {
      const hash = hashOf(version)
      return {
        id: idOf(version),
        study: version.study,
        text: version.text,
        author: version.author,
        createdAt: version.createdAt,
        version: version.version,
        state: version.state,
        hash,
        signatures: (signatures.get(idOf(version)) ?? []).map((signature) => ({
          ...signature,
          problem: judge(signature, { ...version, hash }),
        })),
      }
    })
  }

  /**
   * Saves a text as the version after `base`, once: the answer to a first request may have been lost.
   * @param {{ study: string, text: string, author: string, base: number }} draft `base` 0 for the first one
   * @throws {RequestProblem} 409 when somebody saved in the meantime
   */
  async save({ study, text, author, base }) {
    const [newest = null] = await this.#versions(study, 1)
    if (newest?.version === base + 1 && newest.author === author && newest.text === text) return
    if ((newest?.version ?? 0) !== base) throw conflict(newest?.version ?? 0, base)
    const document = { study, text, author, createdAt: new Date(), version: base + 1, state: 'draft' }
    try {
      await this.#database.ask((db) => db.collection('reports').insertOne(document))
    } catch (error) {
      if (error instanceof Duplicate) throw conflict(base + 1, base)
      throw error
    }
  }

  /**
   * Signs the newest version. The state is written first: no text can then take this version's place, and what is left of a
   * signing that was cut off is seen and completed by signing again.
   * @param {string} study
   * @param {number} version what the signer read
   * @param {import('../log-in/users.js').User} signer who has just proved it by the password
   * @param {import('./signatures.js').Meaning} meaning
   * @throws {RequestProblem} 403, 404, 409
   */
  async sign(study, version, signer, meaning) {
    const [newest] = await this.#versions(study, 1)
    if (newest === undefined) throw new RequestProblem(404, 'this study has no report')
    if (newest.version !== version) throw conflict(newest.version, version)
    if (meaning === 'author' && newest.author !== signer.name) {
      throw new RequestProblem(403, `only ${newest.author} can sign this version as its author`)
    }
    await this.#database.ask((db) =>
      db.collection('reports').updateOne({ _id: newest._id }, { $set: { state: 'signed' } }),
    )
    const signature = { recordId: idOf(newest), recordVersion: version, recordHash: hashOf(newest) }
    return this.#signatures.add({ ...signature, signer: signer.name, printedName: signer.printedName, meaning })
  }

  /**
   * @param {string} study
   * @param {number} limit
   */
  async #versions(study, limit) {
    const { collection, filter, sort } = QUERIES.reportVersions
    const found = await this.#database.ask((db) =>
      db.collection(collection).find(filter(study)).sort(sort).limit(limit).toArray(),
    )
    return z.array(record).parse(found)
  }
}

/** @param {Report} report */
function idOf(report) {
  return report._id.toHexString()
}

/**
 * What a signature is bound to: everything but the state, which signing itself changes.
 * @param {Report} report
 */
export function hashOf(report) {
  const { study, text, author, createdAt, version } = report
  return sha256(canonicalJson({ recordId: idOf(report), study, text, author, createdAt, version }))
}

/**
 * @param {number} newest
 * @param {number} base
 */
function conflict(newest, base) {
  return new RequestProblem(409, `version ${newest} of this report is newer than version ${base}: read it first`)
}
