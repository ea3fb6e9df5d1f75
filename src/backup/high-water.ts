import { visitElements } from './raw-document.ts'

/** The newest of what a collection holds, as far as its top-level fields tell. */
interface HighWater {
  /** Greatest ObjectId in `_id`, in hex; null where there is none. */
  id: string | null
  /** Greatest date of each top-level field that holds dates, ISO 8601. */
  dates: Record<string, string>
}

const OBJECT_ID = 0x07
const DATE = 0x09
const ID_NAME = Buffer.from('_id\0')
/** Collections with a field per key (a map as a document) must not fill the manifest. */
const MAX_FIELDS = 32

/** Keeps the newest `_id` and dates of the documents that pass. */
export class HighWaterMark {
  #id: Buffer | null = null
  readonly #dates = new Map<string, bigint>()

  add(document: Buffer): void {
    visitElements(document, (type, nameAt, valueAt) => {
      if (type === DATE) {
        this.#addDate(document.toString('latin1', nameAt, valueAt - 1), document.readBigInt64LE(valueAt))
      } else if (type === OBJECT_ID && document.compare(ID_NAME, 0, 4, nameAt, valueAt) === 0) {
        const id = document.subarray(valueAt, valueAt + 12)
        // A copy: the document's memory is a batch of the driver's.
        if (this.#id === null || id.compare(this.#id) > 0) this.#id = Buffer.from(id)
      }
    })
  }

  #addDate(field: string, date: bigint): void {
    const known = this.#dates.get(field)
    if (known === undefined ? this.#dates.size < MAX_FIELDS : date > known) this.#dates.set(field, date)
  }

  get value(): HighWater {
    const dates = [...this.#dates].flatMap(([field, date]) => {
      const iso = isoDate(date)
      return iso === null ? [] : [[Buffer.from(field, 'latin1').toString(), iso]]
    })
    return { id: this.#id?.toString('hex') ?? null, dates: Object.fromEntries(dates.sort()) }
  }
}

/** MongoDB holds dates that JavaScript does not. */
function isoDate(date: bigint): string | null {
  const parsed = new Date(Number(date))
  return Number.isNaN(parsed.getTime()) ? null : parsed.toISOString()
}
