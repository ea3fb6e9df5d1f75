import { closeSync, openSync, writeSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run, tryRun } from '../../src/lib/index.ts'

const env = { PATH: process.env.PATH ?? '' }

/** A file system of its own size, to be filled to the last byte. */
export interface SmallDisk extends AsyncDisposable {
  path: string
  /** Leaves no byte free; synchronous, so that it is done at that very moment. */
  fill(): void
  empty(): Promise<void>
}

/** @returns null where none can be mounted: that takes root */
export async function smallDisk(mebibytes: number): Promise<SmallDisk | null> {
  const path = await mkdtemp(join(tmpdir(), 'pacs-disk-'))
  const { code } = await tryRun('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m,mode=0700`, 'tmpfs', path], { env })
  if (code !== 0) {
    await rm(path, { recursive: true })
    return null
  }
  return {
    path,
    fill() {
      const file = openSync(join(path, 'filler'), 'a')
      try {
        for (const size of [65_536, 4096, 1]) fillBy(file, Buffer.alloc(size))
      } finally {
        closeSync(file)
      }
    },
    async empty() {
      for (const name of await readdir(path)) await rm(join(path, name), { recursive: true, force: true })
    },
    async [Symbol.asyncDispose]() {
      await run('umount', ['--lazy', path], { env })
      await rm(path, { recursive: true, force: true })
    },
  }
}

function fillBy(file: number, bytes: Buffer): void {
  try {
    for (;;) writeSync(file, bytes)
  } catch (thrown) {
    if (!(thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOSPC')) throw thrown
  }
}
