import { DocumentSequence } from 'mongodb/lib/cmap/commands.js'

/**
 * The documents of an insert, sent byte for byte: decoding and encoding would reorder fields whose names are numbers, as DICOM tags can be.
 */
export class RawDocuments extends DocumentSequence {
  readonly #documents: readonly Buffer[]

  /** @param documents of `readBsonFile`: what lies before each in memory is done with */
  constructor(documents: readonly Buffer[]) {
    super('documents')
    this.#documents = documents
    for (const document of documents) this.push({}, document)
  }

  /** A long document alone gets its header in front of it, where it lies: the driver copies it twice as it is. */
  protected override toBin(): Uint8Array {
    const [only] = this.#documents
    const { length } = this.header
    if (only === undefined || this.#documents.length > 1 || only.byteOffset < length) return super.toBin()
    const whole = Buffer.from(only.buffer, only.byteOffset - length, length + only.length)
    whole.set(this.header)
    return whole
  }
}
