import { z } from 'zod'
import { RequestProblem } from '../problems.js'
import { Duplicate } from '../stores/database.js'
import { QUERIES } from './queries.js'

/** What a signature says of its signer (21 CFR 11.50(a)(3)). */
export const meaning = z.enum(['author', 'reviewer', 'approver'])

const record = z.object({
  recordId: z.string(),
  recordVersion: z.number().int(),
  recordHash: z.string(),
  signer: z.string(),
  printedName: z.string(),
  meaning,
  signedAt: z.date(),
})

/** @typedef {z.infer<typeof record>} Signature */
/** @typedef {z.infer<typeof meaning>} Meaning */

/** Signatures, each bound to one record by its id and the hash of its content (21 CFR 11.70). */
export class Signatures {
  #database

  /** @param {import('../stores/database.js').Database} database */
  constructor(database) {
    this.#database = database
  }

  /**
   * Adds a signature, once. The one that is there is the answer to a second request: the answer to the first may have been lost.
   * @param {Omit<Signature, 'signedAt'>} signature
   * @returns {Promise<Signature>} with the time at which it was made
   * @throws {RequestProblem} 409 when what the same person signed so before had another content
   */
  async add(signature) {
    const made = { ...signature, signedAt: new Date() }
    try {
      await this.#database.ask((db) => db.collection('digitalsignatures').insertOne(made))
      return made
    } catch (error) {
      if (!(error instanceof Duplicate)) throw error
    }
    const { recordId, recordHash, signer, meaning, printedName } = signature
    const there = (await this.of([recordId])).get(recordId) ?? []
    const same = there.find((one) => one.signer === signer && one.meaning === meaning)
    if (same?.recordHash === recordHash) return same
    throw new RequestProblem(409, `${printedName} has signed this version as ${meaning} already, with another content`)
  }

  /**
   * The signatures of records, by record, oldest first.
   * @param {string[]} records
   * @returns {Promise<Map<string, Signature[]>>}
   */
  async of(records) {
    if (records.length === 0) return new Map()
    const { collection, filter } = QUERIES.signaturesOfRecords
    const found = await this.#database.ask((db) => db.collection(collection).find(filter(records)).toArray())
    const signatures = z.array(record).parse(found)
    return Map.groupBy(
      signatures.sort((one, two) => one.signedAt.getTime() - two.signedAt.getTime()),
      ({ recordId }) => recordId,
    )
  }
}

/**
 * Whether a signature still belongs to the record as it is now.
 * @param {Signature} signature
 * @param {{ version: number, hash: string, state: string }} record
 * @returns {string | null} what is wrong
 */
export function judge(signature, { version, hash, state }) {
  if (signature.recordVersion !== version) return `it was made for version ${signature.recordVersion}`
  if (signature.recordHash !== hash) return 'the record was changed after it was signed'
  if (state !== 'signed') return 'the record is not marked as signed'
  return null
}
