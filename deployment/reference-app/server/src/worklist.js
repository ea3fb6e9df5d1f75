import { z } from 'zod'
import { KeyStoreUnavailable } from './problems.js'
import { sha256 } from './records/canonical.js'

/** Seconds for which an answer of Orthanc may be shown again: many people look at the same list. */
const FRESH = 5

const cached = z.array(z.record(z.string(), z.object({ vr: z.string(), Value: z.array(z.unknown()).optional() })))

/**
 * Finds studies, by way of a short-lived cache in Redis; without Redis by asking Orthanc each time. What is kept is Orthanc's own
 * answer to one question, so releases that show it differently can share it.
 */
export class Worklist {
  #orthanc
  #keyStore

  /**
   * @param {import('./orthanc.js').Orthanc} orthanc
   * @param {import('./stores/key-store.js').KeyStore} keyStore
   */
  constructor(orthanc, keyStore) {
    this.#orthanc = orthanc
    this.#keyStore = keyStore
  }

  /**
   * @param {URLSearchParams} query QIDO-RS
   * @returns {Promise<import('./orthanc.js').DicomDataset[]>}
   * @throws {import('./problems.js').OrthancUnavailable}
   */
  async find(query) {
    // A hash: search terms identify patients, and keys show up in a store's statistics.
    const key = `studies:${sha256(String(query))}`
    const kept = await this.#keyStore.get(key).catch(skip)
    if (kept) {
      const parsed = cached.safeParse(JSON.parse(kept))
      if (parsed.success) return parsed.data
    }
    const found = await this.#orthanc.find('studies', query)
    await this.#keyStore.set(key, JSON.stringify(found), FRESH).catch(skip)
    return found
  }
}

/** @param {unknown} error */
function skip(error) {
  if (error instanceof KeyStoreUnavailable) return null
  throw error
}
