import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { Duplex } from 'node:stream'
import type { Failure } from '../lib/index.ts'

/** What is kept of a child's complaints: the end of an endless banner is enough. */
const MAX_SAID = 16 * 1024

/** Says why a child ended; undefined when it simply ended. */
export type Explain = (code: number | null, said: string) => Failure | undefined

/**
 * A child's standard output and input as one stream. It ends when the child has ended, so that a reader learns why before
 * it takes the silence for an answer.
 */
export class ChildStream extends Duplex {
  readonly #child: ChildProcessWithoutNullStreams

  constructor(child: ChildProcessWithoutNullStreams, explain: Explain) {
    // The child ends both directions at once.
    super({ allowHalfOpen: false })
    this.#child = child
    const said = collect(child.stderr)
    child.stdout.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) child.stdout.pause()
    })
    child.stdin.on('error', () => {
      // Told by the child's end.
    })
    child.on('error', (thrown) => this.destroy(thrown))
    child.on('close', (code) => {
      const failure = explain(code, said())
      if (failure) this.destroy(failure)
      else this.push(null)
    })
  }

  override _read(): void {
    this.#child.stdout.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (thrown?: Error | null) => void): void {
    // A child that is gone reports itself by `close`, with its reason.
    this.#child.stdin.write(chunk, () => done())
  }

  override _final(done: () => void): void {
    // Node never calls back from the end of a pipe whose reader is gone.
    this.#child.stdin.end()
    done()
  }

  override _destroy(thrown: Error | null, done: (thrown: Error | null) => void): void {
    this.#child.kill()
    done(thrown)
  }
}

/** Collects the text of a stream; the returned function tells it. */
export function collect(stream: NodeJS.ReadableStream): () => string {
  let said = ''
  stream.on('data', (chunk: Buffer | string) => {
    said = (said + chunk.toString()).slice(-MAX_SAID)
  })
  return () => said
}
