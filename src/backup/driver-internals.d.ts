// The driver sends raw documents in its own bulk writes and offers no way to do so; the version is pinned, a test sees the bytes.
declare module 'mongodb/lib/cmap/commands.js' {
  /** The section of a message that carries the documents of a command's `field`, removed from the command when it is sent. */
  export class DocumentSequence {
    constructor(field: string)
    /** @returns bytes of all documents so far */
    push(document: object, buffer: Uint8Array): number
    /** What stands before the documents, their length included. */
    protected readonly header: Uint8Array
    protected toBin(): Uint8Array
  }
}
