import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { Reporter } from '../transaction/journal.ts'
import { runChild } from './child.ts'
import type { DataJobs } from './jobs.ts'
import type { Place } from './place.ts'

/** Milliseconds: reading a ledger, and the longest that work on the data may take. */
const JUDGE_LIMIT = 30_000
const TIDY_LIMIT = 120_000
const WORK_LIMIT = 24 * 3_600_000

const ids = z.array(z.string())
const judgementSchema = z.object({
  refusals: z.array(z.string()),
  pending: z.object({ expand: ids, data: ids, contract: ids }),
})

/** Below the backups; each is emptied at its end, so what lies there was left by a kill. */
const WORK_FOLDERS = ['work', 'verify', 'restore']

const silent: Reporter = { step: async () => {}, progress: async () => {}, note: async () => {} }

/** The work on the data of this server, each in a child of the agent's own file `script`. */
export function openJobs(script: string, place: Place): DataJobs {
  const options = { script, path: place.path }
  return {
    judge: (access, migrations) =>
      runChild({ work: 'judge', access, migrations }, judgementSchema, {
        ...options,
        report: silent,
        timeout: JUDGE_LIMIT,
      }),
    migrate: ({ access, release, phase, run, actor }, { report, signal }) =>
      runChild(
        {
          work: 'migrate',
          ...{ access, phase, run, actor },
          directory: join(release.directory, 'stack', 'migrations'),
          migrations: release.manifest.migrations,
        },
        z.string(),
        { ...options, report, signal, timeout: WORK_LIMIT },
      ),
    async tidy() {
      const left = await Promise.all(WORK_FOLDERS.map((name) => readdir(join(place.backups, name)).catch(() => [])))
      if (left.flat().length === 0) return
      await runChild({ work: 'tidy', place }, z.null(), { ...options, report: silent, timeout: TIDY_LIMIT })
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
    backup: (work, { report, signal }) =>
      runChild({ work: 'backup', place, ...work }, z.string(), { ...options, report, signal, timeout: WORK_LIMIT }),
  }
}
