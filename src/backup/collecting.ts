/** Bytes of buffers after which they are collected. */
const PILE = 8 * 1024 * 1024

/**
 * Collects the buffers of documents that have passed, a pile at a time: V8 looks at memory outside of its heap only from 64 MiB on,
 * which is half of what a child may have. Does nothing in a process that was not started with --expose-gc.
 */
export class Collecting {
  #bytes = 0

  /** Tells that documents of so many bytes have passed. */
  passed(bytes: number): void {
    this.#bytes += bytes
    if (this.#bytes < PILE) return
    this.#bytes = 0
    globalThis.gc?.()
  }
}
