import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { DataPlan } from '../../../src/agent/data/data-plan.ts'
import type { DataJobs } from '../../../src/agent/data/jobs.ts'
import { openJobs } from '../../../src/agent/data/open-jobs.ts'
import { visible } from '../../../src/agent/server/releases.ts'
import { memoryRelease } from './memory-world.ts'

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

/** Jobs whose child is `program`, which keeps what it was asked in the file that is returned; programs in `bin` come first. */
async function jobsOf(program: string, bin = '') {
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
    path: `${bin}:${process.env.PATH}`,
    dockerConfig: directory,
  }
  const asks = async () => (await readFile(asked, 'utf8')).trim().split('\n')
  const logged: string[] = []
  return { jobs: openJobs(script, place, (line) => logged.push(line)), asks, backups, logged }
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
  expect(await visible(backups)).toEqual(['verify'])
  await expect(jobs.backup({ data }, run)).rejects.toMatchObject({ kind: 'failed' })
  expect((await asks()).map((line) => JSON.parse(line).work)).toEqual(['backup', 'tidy', 'backup'])
})

it.each([
  ['verify', 14],
  ['restore', 14],
  // Its own limit ends a migration before, 24 h by default or what its author says.
  ['migrate', 14],
  ['undo', 14],
  ['backup', 1],
] as const)('the limit of %s is %i × 24 h', async (work, days) => {
  const { jobs } = await jobsOf('console.log(JSON.stringify({ type: "failed", kind: "refused", message: "seen" }))')
  const from = { data, backup: 'newest', repository: 'second' } as const
  const release = { ...memoryRelease(7), directory }
  const access = { port: 27017, database: 'pacs', username: 'migrations', password: SECRET }
  const migrations = { access, release, run: '', actor: 'jane' }
  const asked = {
    verify: () => jobs.verify({ ...from, through: 'L6' }, run),
    restore: () => jobs.restore({ ...from, target: { kind: 'everything', directory }, plan: false }, run),
    migrate: () => jobs.migrate({ ...migrations, phase: 'data' }, run),
    undo: () => jobs.undo({ ...migrations, to: null, keep: [], restore: [] }, run),
    backup: () => jobs.backup({ data }, run),
  }
  const timers = vi.spyOn(globalThis, 'setTimeout')
  try {
    await expect(asked[work]()).rejects.toThrow('seen')
    expect(Math.max(...timers.mock.calls.map(([, ms = 0]) => ms))).toBe(days * 24 * 3_600_000)
  } finally {
    timers.mockRestore()
  }
})

describe('what a killed verification restored', () => {
  const ENDING = `if (asked.work === 'tidy') done(null)
    else console.log(JSON.stringify({ type: 'failed', kind: 'refused', message: 'seen' }))`
  const work = { data, backup: 'newest', repository: 'first', through: 'L6' } as const
  const restore = { data, backup: 'newest', repository: 'first', target: { kind: 'database' } } as const

  /** Jobs beside which files are removed once `go` is called; `fails` lets the removal fail. */
  async function slowly(fails = false) {
    const bin = join(directory, 'bin')
    await mkdir(bin)
    const gate = join(directory, 'go')
    const removal = fails ? 'echo "it is read-only" >&2; exit 1' : 'exec /bin/rm "$@"'
    await writeFile(join(bin, 'rm'), `#!/bin/sh\nwhile [ ! -e ${gate} ]; do sleep 0.01; done\n${removal}\n`, {
      mode: 0o755,
    })
    const jobs = await jobsOf(ENDING, bin)
    await mkdir(join(jobs.backups, 'verify', 'files'), { recursive: true })
    return { ...jobs, go: () => writeFile(gate, '') }
  }

  it.each<[string, (jobs: DataJobs, run: Parameters<DataJobs['verify']>[1]) => Promise<unknown>]>([
    ['verify', (jobs, run) => jobs.verify(work, run)],
    ['backup', (jobs, run) => jobs.backup({ data }, run)],
    ['restore', (jobs, run) => jobs.restore({ ...restore, plan: true }, run)],
  ])(
    'is out of sight at once, and removed while nobody waits but the next %s, which needs its room',
    async (next, ask) => {
      const { jobs, asks, backups, logged, go } = await slowly()
      await jobs.tidy()
      expect(await visible(backups)).toEqual([])
      expect(await readdir(backups)).toHaveLength(1)
      const stop = new AbortController()
      const aborted = ask(jobs, { ...run, signal: stop.signal })
      stop.abort(new Error('an abort was asked for'))
      await expect(aborted).rejects.toThrow('an abort was asked for')
      const said: string[] = []
      const report = { ...silent, progress: async (message: string) => void said.push(message) }
      const waiting = ask(jobs, { ...run, report })
      await expect.poll(() => said).toEqual([expect.stringContaining('removed first')])
      expect((await asks()).map((line) => JSON.parse(line).work)).toEqual(['tidy'])
      await go()
      await expect(waiting).rejects.toThrow('seen')
      expect((await asks()).map((line) => JSON.parse(line).work)).toEqual(['tidy', next])
      expect(await readdir(backups)).toEqual([])
      expect(logged).toEqual([])
    },
  )

  it('is removed by a later start where this one was cut short, and what keeps it there is said', async () => {
    const { jobs, backups, logged, go } = await slowly(true)
    await jobs.tidy()
    await go()
    await expect.poll(() => logged).toEqual([expect.stringContaining('it is read-only')])
    const left = await readdir(backups)
    expect(left).toHaveLength(1)
    const next = await jobsOf(ENDING)
    await next.jobs.tidy()
    await expect.poll(() => readdir(backups)).toEqual([])
  })
})
