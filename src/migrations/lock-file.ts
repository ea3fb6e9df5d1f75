import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { Failure, replaceFile } from '../lib/index.ts'
import { type Digest, digestSchema, sha256 } from '../release/index.ts'

/** Beside the migrations, committed with them. */
export const LOCK_FILE = 'migrations.lock.json'

const lockSchema = z.strictObject({
  schema: z.literal(1),
  migrations: z.array(z.strictObject({ id: z.string(), sha256: digestSchema, chain: digestSchema })),
})

/** One file by its content, and by all files before it: a change of any shows in every later line, so two branches conflict. */
type LockLine = z.infer<typeof lockSchema>['migrations'][number]

interface HashedFile {
  id: string
  sha256: Digest
}

/** The lines for `files`, which stand in order. */
function chainOf(files: readonly HashedFile[]): LockLine[] {
  const lines: LockLine[] = []
  for (const { id, sha256: content } of files) {
    const before = lines.at(-1)?.chain ?? ''
    lines.push({ id, sha256: content, chain: sha256(`${before}\n${id}\n${content}`) })
  }
  return lines
}

/** @throws Failure `bad-input` when the lock is missing or is no lock. */
export async function readLock(folder: string): Promise<LockLine[]> {
  const path = join(folder, LOCK_FILE)
  const text = await readFile(path, 'utf8').catch((thrown: unknown) => {
    throw new Failure('bad-input', `${path} cannot be read: write it with "migrations lock" and commit it`, {
      cause: thrown,
    })
  })
  try {
    return parseLock(text)
  } catch (thrown) {
    throw new Failure(
      'bad-input',
      `${path} is no lock of migrations (a merge conflict?): write it anew with "migrations lock" and read the difference`,
      { cause: thrown },
    )
  }
}

/** The lines of a lock. @throws Error when `text` is none */
export function parseLock(text: string): LockLine[] {
  // One is read in a process: compiling the schema first would take longer.
  return lockSchema.parse(JSON.parse(text), { jitless: true }).migrations
}

/** Writes the lock for `files`. */
export async function saveLock(folder: string, files: readonly HashedFile[]): Promise<void> {
  const text = `${JSON.stringify({ schema: 1, migrations: chainOf(files) }, null, 2)}\n`
  await replaceFile(join(folder, LOCK_FILE), text, 0o644)
}

/**
 * What differs between the lock and the files on disk, in words: edited, missing, added or out of order. Empty when all is as locked.
 */
export function compareToLock(lock: readonly LockLine[], files: readonly HashedFile[]): string[] {
  const differences: string[] = []
  const onDisk = new Map(files.map((file) => [file.id, file.sha256]))
  const locked = new Set(lock.map(({ id }) => id))
  for (const { id, sha256: content } of lock) {
    const found = onDisk.get(id)
    if (found === undefined) differences.push(`${id} is locked but its file is missing: bring it back`)
    else if (found !== content) {
      differences.push(
        `${id} was edited after it was locked (${shorten(content)}, now ${shorten(found)}): undo the edit and write a new migration`,
      )
    }
  }
  const last = lock.at(-1)?.id ?? ''
  for (const { id } of files) {
    if (locked.has(id)) continue
    differences.push(
      id < last
        ? `${id} is out of order: ${last} is locked already, give it a number after that`
        : `${id} is not locked: run "migrations lock"`,
    )
  }
  lock.forEach(({ id }, index) => {
    const before = lock[index - 1]?.id
    if (before !== undefined && before >= id) differences.push(`the lock is out of order: ${id} stands after ${before}`)
  })
  const broken = chainOf(lock).findIndex(({ chain }, index) => chain !== lock[index]?.chain)
  if (broken >= 0) {
    differences.push(
      `the lock was edited by hand: the chain breaks at ${lock[broken]?.id}, bring back the committed ${LOCK_FILE}`,
    )
  }
  return differences
}

function shorten(digest: Digest): string {
  return digest.slice('sha256:'.length, 'sha256:'.length + 12)
}
