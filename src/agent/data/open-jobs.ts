import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { pendingSchema } from '../protocol.ts'
import type { Reporter } from '../transaction/journal.ts'
import { runChild } from './child.ts'
import type { DataJobs, MigrateWork } from './jobs.ts'
import type { Place } from './place.ts'

/** Milliseconds: reading a ledger, and the longest that work on the data may take. */
const JUDGE_LIMIT = 30_000
const TIDY_LIMIT = 120_000
const WORK_LIMIT = 24 * 3_600_000

const judgementSchema = z.object({
  refusals: z.array(z.string()),
  pending: pendingSchema,
  begun: z.array(z.string()),
  waiting: pendingSchema,
})

/** Below the backups; each is emptied at its end, so what lies there was left by a kill. */
const WORK_FOLDERS = ['work', 'verify', 'restore']

const silent: Reporter = { step: async () => {}, progress: async () => {}, note: async () => {} }

/** The work on the data of this server, each in a child of the agent's own file `script`. */
export function openJobs(script: string, place: Place): DataJobs {
  const options = { script, path: place.path }
  const tidy = (what: 'everything' | 'backup') =>
    runChild({ work: 'tidy', what, place }, z.null(), { ...options, report: silent, timeout: TIDY_LIMIT })
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
        timeout: WORK_LIMIT,
      }),
    undo: ({ release, ...work }, { report, signal }) =>
      runChild({ work: 'undo', ...work, ...filesOf(release) }, z.string(), {
        ...options,
        report,
        signal,
        timeout: WORK_LIMIT,
      }),
    async tidy() {
      const left = await Promise.all(WORK_FOLDERS.map((name) => readdir(join(place.backups, name)).catch(() => [])))
      if (left.flat().length === 0) return
      await tidy('everything')
    },
    verify: ({ data, backup, repository, maxAge }, { report, signal }) =>
      runChild(
        { work: 'verify', place, data, backup, repository, maxAge },
        z.object({ passed: z.boolean(), message: z.string(), details: z.string() }),
        { ...options, report, signal, timeout: WORK_LIMIT },
      ),
    restore: ({ data, backup, target, plan, typed }, { report, signal }) =>
      runChild({ work: 'restore', place, data, backup, target, plan, typed }, z.string(), {
        ...options,
        report,
        signal,
        timeout: WORK_LIMIT,
      }),
    async backup(work, { report, signal }) {
      try {
        const limits = { ...options, report, signal, timeout: WORK_LIMIT }
        return await runChild({ work: 'backup', place, ...work }, z.string(), limits)
      } catch (thrown) {
        // One that did not end within its grace was killed, and what it had paused is still paused.
        if ((await readdir(join(place.backups, 'work')).catch(() => [])).length > 0) await tidy('backup')
        throw thrown
      }
    },
  }
}

/** The migrations of a release, as they lie on this server and as its manifest names them. */
function filesOf({ directory, manifest }: MigrateWork['release']) {
  return { directory: join(directory, 'stack', 'migrations'), migrations: manifest.migrations }
}
