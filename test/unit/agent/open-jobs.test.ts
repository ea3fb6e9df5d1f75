import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { DataPlan } from '../../../src/agent/data/data-plan.ts'
import { openJobs } from '../../../src/agent/data/open-jobs.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pacs-jobs-'))
  await mkdir(join(directory, 'work'))
})
afterEach(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }))

const data: DataPlan = {
  ...{ database: null, archives: [], caches: [], folders: [], second: null, versions: {} },
  ...{ repository: { location: '/nowhere', passwordFile: '/nowhere', env: {} }, release: 'r', stack: '/nowhere' },
}

/** Takes a backup by a program that writes down what it is asked for, and does `backup` where that is a backup. */
async function backUpBy(backup: string): Promise<{ error: unknown; asked: string[] }> {
  const script = join(directory, 'agent.mjs')
  const asked = join(directory, 'asked')
  await writeFile(
    script,
    `import { appendFileSync, writeFileSync } from 'node:fs'
     import { text } from 'node:stream/consumers'
     const { work, what } = JSON.parse(await text(process.stdin))
     appendFileSync(${JSON.stringify(asked)}, [work, what].join(' ').trim() + '\\n')
     const say = (line) => console.log(JSON.stringify(line))
     const leave = () => writeFileSync(${JSON.stringify(join(directory, 'work', 'paused'))}, 'pacs-orthanc-1')
     if (work === 'backup') { ${backup} } else say({ type: 'done', value: null })`,
  )
  const place = { backups: directory, restic: '', path: '', dockerConfig: '' }
  const silent = { step: async () => {}, progress: async () => {}, note: async () => {} }
  const run = { report: silent, signal: new AbortController().signal }
  const error = await openJobs(script, place)
    .backup({ data }, run)
    .then(
      () => null,
      (thrown: unknown) => thrown,
    )
  return { error, asked: (await readFile(asked, 'utf8')).trim().split('\n') }
}

it('tidies up after a backup that was killed, and not after one that cleaned up itself', async () => {
  const killed = await backUpBy(`leave(); process.kill(process.pid, 'SIGKILL')`)
  expect(killed.error).toMatchObject({ kind: 'failed' })
  expect(killed.asked).toEqual(['backup', 'tidy backup'])
  await rm(join(directory, 'asked'))
  await rm(join(directory, 'work'), { recursive: true })
  const refused = await backUpBy(`say({ type: 'failed', kind: 'refused', message: 'the disk is full' })`)
  expect(refused.error).toMatchObject({ kind: 'refused' })
  expect(refused.asked).toEqual(['backup'])
  expect(await readdir(directory)).not.toContain('work')
})
