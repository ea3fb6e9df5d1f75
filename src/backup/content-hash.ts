import { hash } from 'node:crypto'

/**
 * A hash over a set of documents that does not depend on their order: the sum of the SHA-256 of each raw document modulo
 * 2^256. Equal sets have equal sums; a changed, lost or doubled document changes it.
 */
export class ContentHash {
  /** Most significant word first. */
  readonly #sum = new Uint32Array(8)

  add(document: Uint8Array): void {
    const digest = hash('sha256', document, 'buffer')
    let carry = 0
    for (let word = 7; word >= 0; word--) {
      const sum = (this.#sum[word] ?? 0) + digest.readUInt32BE(word * 4) + carry
      this.#sum[word] = sum
      carry = sum > 0xffff_ffff ? 1 : 0
    }
  }

  /** 64 lower-case hex digits; zeros for no document. */
  get hex(): string {
    return [...this.#sum].map((word) => word.toString(16).padStart(8, '0')).join('')
  }
}
