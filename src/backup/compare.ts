import { formatDuration } from '../lib/index.ts'
import { isToCome, type StoredBackup } from './catalogue.ts'
import type { DatabaseContents, FolderContents } from './contents.ts'
import { type Definition, definitionDifferences, parseMetadata } from './definition.ts'
import type { Findings } from './level.ts'
import type { RestoredCollection } from './restore.ts'

/** How much smaller than its predecessors a backup may be: half of their median. */
const LEAST_SHARE = 0.5
const PREDECESSORS = 7

/** L0: young enough, and not suddenly small. @param maxAge milliseconds, null for any @param own those of the same server, newest first */
export function judgeAge(
  backup: StoredBackup,
  own: readonly StoredBackup[],
  now: Date,
  maxAge: number | null,
): Findings {
  const findings: string[] = []
  const age = now.getTime() - Date.parse(backup.startedAt)
  if (maxAge !== null && age > maxAge) {
    findings.push(`the backup is ${formatDuration(age)} old, at most ${formatDuration(maxAge)} are allowed`)
  }
  if (isToCome(backup, now))
    findings.push(`the backup is of ${backup.startedAt}, which is to come: is the clock right?`)
  const before = own.filter(({ id }) => id < backup.id).slice(0, PREDECESSORS)
  const median = before.map(({ bytes }) => bytes).sort((a, b) => a - b)[Math.floor(before.length / 2)]
  if (median !== undefined && backup.bytes < median * LEAST_SHARE) {
    findings.push(`the backup holds ${backup.bytes} bytes, the ${before.length} before it hold ${median} (median)`)
  }
  return { checked: 2, findings }
}

/** L2: every document that was read came back, none was refused. */
export function compareRestored(wanted: DatabaseContents, restored: readonly RestoredCollection[]): Findings {
  const byName = new Map(restored.map((one) => [one.name, one]))
  const findings = wanted.collections.flatMap(({ name, count }) => {
    const one = byName.get(name)
    if (one === undefined) return [`${name}: was not restored`]
    const examples = one.examples.map(({ id, code }) => `_id ${id} (code ${code})`).join(', ')
    return [
      ...(one.refused === 0 ? [] : [`${name}: ${one.refused} documents were refused: ${examples}`]),
      ...(one.inserted + one.refused === count ? [] : [`${name}: ${one.inserted + one.refused} of ${count} documents`]),
    ]
  })
  return { checked: wanted.collections.length, findings }
}

/** L3: the same collections with the same options, validators and indexes, as the contents say and not the dump's own files. */
export function compareDefinitions(wanted: DatabaseContents, found: readonly Definition[]): Findings {
  const byName = new Map(found.map((one) => [one.name, one]))
  const findings = wanted.collections.flatMap(({ name, metadata }) => {
    const one = byName.get(name)
    return one === undefined ? [`${name}: is missing`] : definitionDifferences(parseMetadata(metadata), one)
  })
  const known = new Set(wanted.collections.map(({ name }) => name))
  findings.push(...found.filter(({ name }) => !known.has(name)).map(({ name }) => `${name}: was not there`))
  return { checked: wanted.collections.length, findings }
}

/** The documents of a collection, as they were read back. */
export interface CountedCollection {
  name: string
  count: number
  hash: string
}

/** L4: the same documents, by count and content hash. Where only the hash differs, at least one is lost. */
export function compareDocuments(wanted: DatabaseContents, found: readonly CountedCollection[]): Findings {
  const byName = new Map(found.map((one) => [one.name, one]))
  let checked = 0
  let lost = 0
  const findings = wanted.collections.flatMap(({ name, type, count, hash }) => {
    if (type === 'view') return []
    checked += count
    const one = byName.get(name)
    if (one?.count === count && one.hash === hash) return []
    lost += Math.max(count - (one?.count ?? 0), 1)
    if (one === undefined) return [`${name}: all ${count} documents are missing`]
    if (one.count !== count) return [`${name}: holds ${one.count} documents, ${count} were backed up`]
    return [`${name}: as many documents as were backed up (${count}), but not the same ones`]
  })
  return { checked, lost, findings }
}

/** L4 of a folder. */
export function compareFolder(wanted: FolderContents, found: { files: number; hash: string }): Findings {
  const findings: string[] = []
  if (found.files !== wanted.files) findings.push(`${wanted.name}: ${found.files} of ${wanted.files} files`)
  else if (found.hash !== wanted.hash) findings.push(`${wanted.name}: a file is not the one that was backed up`)
  const lost = findings.length === 0 ? 0 : Math.max(wanted.files - found.files, 1)
  return { checked: wanted.files, lost, findings }
}

/**
 * L5: the newest record was young when the backup was made: a backup of the wrong or of a forgotten database is well otherwise.
 * @param window milliseconds
 */
export function judgeNewest(wanted: DatabaseContents, finishedAt: string, window: number): Findings {
  const end = Date.parse(finishedAt)
  const newest = wanted.collections
    .flatMap(({ name, newest: { id, dates } }) => [
      ...(id === null ? [] : [{ name: `${name}._id`, time: Number.parseInt(id.slice(0, 8), 16) * 1000 }]),
      ...Object.entries(dates).map(([field, date]) => ({ name: `${name}.${field}`, time: Date.parse(date) })),
    ])
    // Some fields lie ahead by their nature, like the end of a session.
    .filter(({ time }) => time <= end)
    .sort((a, b) => b.time - a.time)[0]
  if (newest === undefined) return { checked: 1, findings: ['no collection holds a dated record'] }
  const age = end - newest.time
  if (age <= window) return { checked: 1, findings: [] }
  const line = `the newest record (${newest.name}) was ${formatDuration(age)} old when the backup was made, at most ${formatDuration(window)} are allowed`
  return { checked: 1, findings: [`${line}: is this the right database?`] }
}
