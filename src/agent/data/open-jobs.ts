import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { Failure, hideTree, listGone, messageOf, run } from '../../lib/index.ts'
import { backupsSchema, pendingSchema, verificationViewSchema } from '../protocol.ts'
import type { Reporter } from '../transaction/journal.ts'
import { Turn } from '../transaction/turn.ts'
import { runChild, type Work } from './child.ts'
import { proofPlanSchema } from './data-plan.ts'
import type { DataJobs, Doing, MigrateWork } from './jobs.ts'
import { recordAttempt } from './metrics.ts'
import { type Place, WORK_FOLDERS, type WorkFolder } from './place.ts'

/** Milliseconds: reading a ledger, and the longest that work on the data may take. */
const JUDGE_LIMIT = 30_000
/** Another owner's lease runs out in it, and a check comes to its end. */
const MARK_LIMIT = 3_600_000
const TIDY_LIMIT = 120_000
/** Each of two repositories is given up after two minutes. */
const LIST_LIMIT = 300_000
const WORK_LIMIT = 24 * 3_600_000
/** A restore, or a proof, reads all of the images: 5 TB from off the host by 50 Mbit/s take 9 days. Migrations have limits of their own. */
const LONG_LIMIT = 14 * 24 * 3_600_000

const judgementSchema = z.object({
  refusals: z.array(z.string()),
  pending: pendingSchema,
  begun: z.array(z.string()),
  waiting: pendingSchema,
})

const proofSchema = z.object({
  passed: z.boolean(),
  message: z.string(),
  details: z.string(),
  verification: verificationViewSchema,
})

const silent: Reporter = { step: async () => {}, progress: async () => {}, note: async () => {} }

/** The work on the data of this server, each in a child of the agent's own file `script`. */
export function openJobs(script: string, place: Place, log: (message: string) => void): DataJobs {
  const options = { script, path: place.path }
  const removals = new Turn()
  /** A restored archive may be a million files: Node's own rm holds all of them in memory, and no start of the agent waits for them. */
  const removeHidden = async () => {
    const gone = await listGone(place.backups)
    if (gone.length > 0) await run('rm', ['-rf', '--', ...gone], { env: { PATH: place.path }, timeout: WORK_LIMIT })
  }
  /** Runs a child that asks for room, once what was removed takes none any more. */
  const runInRoom = async <T>(
    work: Work,
    value: z.ZodType<T>,
    { report, signal }: Doing,
    timeout: number,
  ): Promise<T> => {
    if ((await listGone(place.backups)).length > 0) await report.progress('what an earlier one left is removed first')
    signal.throwIfAborted()
    const ended = new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    })
    await Promise.race([removals.take(async () => undefined), ended])
    return runChild(work, value, { ...options, report, signal, timeout })
  }
  const tidy = async (folders: readonly WorkFolder[]) => {
    const found = await Promise.all(
      folders.map(async (name) => ({ name, files: await readdir(join(place.backups, name)).catch(() => []) })),
    )
    const left = found.filter(({ files }) => files.length > 0).map(({ name }) => name)
    if (left.length > 0) {
      await runChild({ work: 'tidy', place, left }, z.null(), { ...options, report: silent, timeout: TIDY_LIMIT })
    }
    for (const name of left) await hideTree(join(place.backups, name))
    removals.take(removeHidden).catch((thrown: unknown) => log(messageOf(thrown)))
  }
  /** A child that did not end within its grace was killed, and what it had begun is still there: a service that it paused stays so. */
  const tidied = async <T>(folder: WorkFolder, doing: Promise<T>): Promise<T> => {
    try {
      return await doing
    } catch (thrown) {
      await tidy([folder]).catch((again: unknown) => {
        throw new Failure('failed', `${messageOf(thrown)}; and what it left was not removed: ${messageOf(again)}`)
      })
      throw thrown
    }
  }
  return {
    judge: (access, migrations) =>
      runChild({ work: 'judge', access, migrations }, judgementSchema, {
        ...options,
        report: silent,
        timeout: JUDGE_LIMIT,
      }),
    migrate: ({ release, ...work }, { report, signal }) =>
      runChild({ work: 'migrate', ...work, ...filesOf(release) }, z.string(), {
        ...options,
        report,
        signal,
        timeout: LONG_LIMIT,
      }),
    undo: ({ release, ...work }, { report, signal }) =>
      runChild({ work: 'undo', ...work, ...filesOf(release) }, z.string(), {
        ...options,
        report,
        signal,
        timeout: LONG_LIMIT,
      }),
    mark: ({ release, ...work }, { report, signal }) =>
      runChild({ work: 'mark', ...work, ...filesOf(release) }, z.string(), {
        ...options,
        report,
        signal,
        timeout: MARK_LIMIT,
      }),
    list: ({ data }) =>
      runChild({ work: 'list', place, data: proofPlanSchema.parse(data) }, backupsSchema, {
        ...options,
        report: silent,
        timeout: LIST_LIMIT,
      }),
    tidy: () => tidy(WORK_FOLDERS),
    verify: ({ data, backup, repository, through, maxAge, newestWithin, restoreWithin }, doing) =>
      tidied(
        'verify',
        recordAttempt(
          'backup_verification',
          { place, note: doing.report.note },
          () =>
            runInRoom(
              {
                ...{ work: 'verify', place, data: proofPlanSchema.parse(data), backup, repository, through },
                ...{ maxAge, newestWithin, restoreWithin },
              },
              proofSchema,
              doing,
              LONG_LIMIT,
            ),
          ({ passed }) => passed,
        ),
      ),
    restore: ({ data, backup, repository, target, plan, typed }, doing) =>
      tidied(
        'restore',
        runInRoom(
          { work: 'restore', place, data, backup, repository, target, plan, typed },
          z.string(),
          doing,
          LONG_LIMIT,
        ),
      ),
    backup: (work, doing) =>
      tidied(
        'work',
        recordAttempt('backup', { place, note: doing.report.note }, () =>
          runInRoom({ work: 'backup', place, ...work }, z.string(), doing, WORK_LIMIT),
        ),
      ),
  }
}

/** The migrations of a release, as they lie on this server and as its manifest names them. */
function filesOf({ directory, manifest }: MigrateWork['release']) {
  return { directory: join(directory, 'stack', 'migrations'), migrations: manifest.migrations }
}
