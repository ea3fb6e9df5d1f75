const BLOCK = 512

/** Takes chosen files out of a tar archive that streams by. */
export interface TarEntries {
  /** Feeds the next piece of the archive. */
  write: (bytes: Uint8Array) => void
  /** Files seen so far, by path. */
  entries: ReadonlyMap<string, Buffer>
}

/** Collects the regular files of at most `largest` bytes whose path is wanted; everything else passes unread. */
export function collectTarEntries(isWanted: (path: string) => boolean, largest: number): TarEntries {
  const entries = new Map<string, Buffer>()
  let pending: Buffer = Buffer.alloc(0)
  let skip = 0

  const write = (bytes: Uint8Array) => {
    pending = pending.length === 0 ? Buffer.from(bytes) : Buffer.concat([pending, bytes])
    for (;;) {
      const skipped = Math.min(skip, pending.length)
      pending = pending.subarray(skipped)
      skip -= skipped
      if (skip > 0 || pending.length < BLOCK) return
      const size = sizeOf(pending)
      const path = pathOf(pending)
      const padded = Math.ceil(size / BLOCK) * BLOCK
      if (isRegular(pending) && size <= largest && isWanted(path)) {
        if (pending.length < BLOCK + padded) return
        entries.set(path, Buffer.from(pending.subarray(BLOCK, BLOCK + size)))
      }
      skip = BLOCK + padded
    }
  }
  return { write, entries }
}

// A header without a name is one of the zero blocks at the end.
function isRegular(header: Buffer): boolean {
  return (header[156] === 0x30 || header[156] === 0) && header[0] !== 0
}

function pathOf(header: Buffer): string {
  const text = (from: number, to: number) => header.toString('utf8', from, to).replace(/\0.*$/s, '')
  const prefix = text(257, 262) === 'ustar' ? text(345, 500) : ''
  return `${prefix === '' ? '' : `${prefix}/`}${text(0, 100)}`.replace(/^\.\//, '')
}

// Octal text, or a big-endian number with the first bit set for files of 8 GiB and more.
function sizeOf(header: Buffer): number {
  const field = header.subarray(124, 136)
  if (((field[0] ?? 0) & 0x80) !== 0) return Number(field.readBigUInt64BE(4))
  return Number.parseInt(field.toString('ascii').replaceAll(/[\0 ]/g, '') || '0', 8)
}
