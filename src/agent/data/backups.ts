import { hostname } from 'node:os'
import { join } from 'node:path'
import {
  arrange,
  type BackupResult,
  backupMetrics,
  backupsOf,
  connectDatabase,
  contentsOrNull,
  instantOf,
  isToCome,
  openRepository,
  type Pruning,
  Restic,
  retentionSchema,
  type StoredBackup,
  takeBackup,
} from '../../backup/index.ts'
import { counted, formatDuration, messageOf } from '../../lib/index.ts'
import { holdsDocuments } from '../../migrations/index.ts'
import type { ChildLine } from './child.ts'
import type { DataPlan } from './data-plan.ts'
import { COPY_STEP } from './jobs.ts'
import { writeMetrics } from './metrics.ts'
import { requirePassword } from './password.ts'
import { type Place, toolsOf } from './place.ts'

interface Asked {
  data: DataPlan
  /** Folders and programs of this server. */
  place: Place
  /** Milliseconds. */
  unlessNewerThan?: number | undefined
  unlessEmpty?: boolean | undefined
  copyLater?: boolean | undefined
}

/**
 * Milliseconds that lie at most between the begin of a fresh backup and now: what was written since is not in it. A job on GitHub ends after
 * 6 h, and the one that is started again meets the backup that it had begun.
 */
const OLDEST_BEGIN = 6 * 3_600_000

/**
 * Takes a backup, unless a fresh one is there or there is nothing to lose.
 * @returns what was done, in one line that begins with `backup ID` where there is one
 */
export async function backUpHere(asked: Asked, print: (line: ChildLine) => void, signal: AbortSignal): Promise<string> {
  const { data, place, unlessNewerThan, unlessEmpty = false, copyLater = false } = asked
  if (unlessEmpty && (await isEmpty(data))) return 'the database holds no document: there is nothing to back up'
  await requirePassword(data)
  const tools = toolsOf(place)
  const first = new Restic(tools.restic, data.repository, tools.path, tools.cache)
  const held = await openRepository(first, tools.docker, signal)
  const say = (message: string) => print({ type: 'note', message })
  if (unlessNewerThan !== undefined) {
    const fresh = await findFresh(data, first, arrange(held ?? []).complete, unlessNewerThan, say, signal)
    if (fresh !== null) return fresh
  }
  const tell = (backup: Parameters<typeof backupMetrics>[0]) =>
    writeMetrics(place, 'pacs-backup', backupMetrics(backup)).catch((thrown: unknown) =>
      say(`its metrics could not be written: ${messageOf(thrown)}`),
    )
  const { contents, pruning, second } = await takeBackup({
    tools,
    work: join(place.backups, 'work'),
    repository: data.repository,
    second: data.second,
    retention: retentionSchema.parse({}),
    host: hostname(),
    instance: data.release,
    versions: data.versions,
    database: data.database && {
      service: data.database.service,
      database: data.database.backup.database,
      address: { host: '127.0.0.1', ...data.database.backup },
    },
    archives: data.archives,
    caches: data.caches,
    folders: data.folders,
    held,
    signal,
    copyLater,
    progress: (message) => print({ type: 'progress', message }),
    async onWhole(backup) {
      say(`backup ${backup.contents.id} is stored`)
      await tell(backup)
      if (backup.second !== null && !copyLater)
        print({ type: 'step', step: COPY_STEP, message: 'to the second repository' })
    },
  })
  await tell({ contents, second })
  for (const line of contents.oneMoment) print({ type: 'note', message: line })
  const pruned = { first: pruning, ...(second?.outcome === 'copied' ? { second: second.pruning } : {}) }
  for (const [name, one] of Object.entries(pruned)) {
    const line = pruningText(name, one)
    if (line !== null) print({ type: 'note', message: line })
  }
  const documents = contents.database?.collections.reduce((sum, { count }) => sum + count, 0) ?? 0
  const studies = contents.archives.reduce((sum, archive) => sum + archive.studies, 0)
  const what = `${counted(documents, 'document')} and ${counted(studies, 'study', 'studies')}`
  return `backup ${contents.id} holds ${what}${second === null ? '' : lacksText(second)}`
}

/** What the second repository has not got, and why; empty where it has all. */
function lacksText(second: NonNullable<BackupResult['second']>): string {
  const lacks = (number: number, why: string) => `; the second repository lacks ${counted(number, 'backup')}: ${why}`
  if (second.outcome === 'later') return lacks(second.waiting.length, second.why)
  const { damaged } = second
  if (damaged.length === 0) return ''
  return lacks(damaged.length, damaged.map(({ id, why }) => `${id} (${why})`).join(', '))
}

/** What retention came to in a repository; null where it had nothing to remove. */
function pruningText(repository: string, pruning: Pruning): string | null {
  if (pruning.outcome === 'later') {
    return `old backups stay in the ${repository} repository until the next backup: ${pruning.why}`
  }
  const { forgotten } = pruning
  if (forgotten.length === 0) return null
  return `removed from the ${repository} repository, whose retention does not keep them: ${forgotten.join(', ')}`
}

/**
 * Looks for a backup of this server that ended less than `within` ms ago and holds the database of the plan, which may have been another
 * then. Where the plan has none, any is as good.
 * @param complete newest first @returns which it is, in one line
 */
async function findFresh(
  { database }: DataPlan,
  restic: Restic,
  complete: readonly StoredBackup[],
  within: number,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<string | null> {
  const now = new Date()
  const since = (instant: string) => now.getTime() - Date.parse(instant)
  for (const one of backupsOf(hostname(), complete)) {
    if (isToCome(one, now) || since(one.startedAt) > OLDEST_BEGIN) continue
    const contents = await contentsOrNull(restic, one, signal, say)
    // By a clock that was put back since nobody knows how old it is.
    if (contents === null || since(contents.finishedAt) < 0) continue
    const age = since(contents.finishedAt)
    // Those before it ended earlier still.
    if (age >= within) return null
    const fresh = `backup ${one.id} is fresh: it ended ${formatDuration(age)} ago`
    if (!database) return fresh
    if (contents.database?.database === database.backup.database)
      return `${fresh} and holds the database as of ${instantOf(contents.database.moment)}`
  }
  return null
}

async function isEmpty({ database }: DataPlan): Promise<boolean> {
  if (!database) return false
  const client = await connectDatabase({ host: '127.0.0.1', ...database.backup })
  try {
    return !(await holdsDocuments(client.db(database.backup.database)))
  } finally {
    await client.close()
  }
}
