import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { DataPlan } from '../../../src/agent/data/data-plan.ts'
import { openJobs } from '../../../src/agent/data/open-jobs.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pacs-jobs-'))
})
afterEach(() => rm(directory, { recursive: true, maxRetries: 5 }))

const SECRET = 'password-of-what-lives'
const data: DataPlan = {
  database: {
    service: 'mongodb',
    migrate: { port: 27017, database: 'pacs', username: 'migrations', password: SECRET },
    backup: { port: 27017, database: 'pacs', username: 'backup', password: SECRET },
  },
  archives: [],
  caches: [{ service: 'redis', container: 'redis', user: 'backup', password: SECRET }],
  folders: [],
  repository: { location: '/backups', passwordFile: '/key', env: {} },
  second: null,
  release: 'r1',
  versions: { mongodb: 'mongo@sha256:1' },
  stack: '/stack',
}

/** Jobs whose child is `program`, which keeps what it was asked in the file that is returned. */
async function jobsOf(program: string) {
  const script = join(directory, 'child.mjs')
  const asked = join(directory, 'asked')
  await writeFile(
    script,
    `import { appendFileSync, readFileSync } from 'node:fs'
     const text = readFileSync(0, 'utf8')
     appendFileSync(${JSON.stringify(asked)}, text + '\\n')
     const asked = JSON.parse(text)
     const done = (value) => console.log(JSON.stringify({ type: 'done', value }))
     ${program}`,
  )
  const backups = join(directory, 'backups')
  const place = {
    backups,
    metrics: join(directory, 'metrics'),
    restic: 'restic',
    path: process.env.PATH ?? '',
    dockerConfig: directory,
  }
  const asks = async () => (await readFile(asked, 'utf8')).trim().split('\n')
  return { jobs: openJobs(script, place), asks, backups }
}

const silent = { step: async () => {}, progress: async () => {}, note: async () => {} }
const run = { report: silent, signal: new AbortController().signal }

it('tells a verification no login of anything that lives', async () => {
  const { jobs, asks } = await jobsOf(
    'console.log(JSON.stringify({ type: "failed", kind: "refused", message: "seen" }))',
  )
  const asked = jobs.verify(
    {
      data,
      backup: 'newest',
      repository: 'first',
      through: 'L6',
      maxAge: 1000,
      newestWithin: 2000,
      restoreWithin: 3000,
    },
    run,
  )
  await expect(asked).rejects.toMatchObject({ message: 'seen' })
  const [text = ''] = await asks()
  expect(JSON.parse(text).data).toMatchObject({ repository: data.repository, versions: data.versions, stack: '/stack' })
  expect(text).not.toContain(SECRET)
})

it('cleans up after a child that was killed, and only what that one had begun', async () => {
  const { jobs, asks, backups } = await jobsOf(`
    if (asked.work === 'tidy') done(null)
    else process.kill(process.pid, 'SIGKILL')
  `)
  for (const folder of ['work', 'verify']) {
    await mkdir(join(backups, folder), { recursive: true })
    await writeFile(join(backups, folder, 'left'), '')
  }
  await expect(jobs.backup({ data }, run)).rejects.toMatchObject({ kind: 'failed' })
  const attempt = await readFile(join(directory, 'metrics', 'pacs-backup-attempt.prom'), 'utf8')
  expect(attempt).toMatch(/^pacs_backup_last_attempt_success 0$/m)
  const [, tidy = ''] = await asks()
  expect(JSON.parse(tidy)).toMatchObject({ work: 'tidy', left: ['work'] })
  expect(await readdir(join(backups, 'verify'))).toEqual(['left'])

  // One that ended by itself has cleaned up.
  await rm(join(backups, 'work'), { recursive: true })
  await expect(jobs.backup({ data }, run)).rejects.toMatchObject({ kind: 'failed' })
  expect((await asks()).map((line) => JSON.parse(line).work)).toEqual(['backup', 'tidy', 'backup'])
})
