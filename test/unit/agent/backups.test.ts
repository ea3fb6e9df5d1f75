import { mkdtempDisposable, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { backUpHere } from '../../../src/agent/data/backups.ts'
import { newBackupId } from '../../../src/backup/index.ts'
import { contents } from '../backup/contents.ts'
import { scriptedTools } from './scripted-tools.ts'

const held = contents.database ?? expect.unreachable()
const NEVER = new AbortController().signal
const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000)

/** A server without data whose repository holds one backup; `began` and `ended` are minutes ago. */
async function serverWith(directory: string, began: number, ended: number, moment = held.moment) {
  const startedAt = ago(began)
  const id = newBackupId(startedAt)
  const times = { startedAt: startedAt.toISOString(), finishedAt: ago(ended).toISOString() }
  const tags = [`id=${id}`, 'part=contents']
  const snapshot = { id: 'aa', time: '', hostname: hostname(), tags, paths: ['/w/contents.json'] }
  const answers = { snapshots: [snapshot], dump: { ...contents, id, ...times, database: { ...held, moment } } }
  for (const [name, answer] of Object.entries(answers))
    await writeFile(join(directory, name), `${JSON.stringify(answer)}\n`)
  const restic = `for word do case $word in snapshots | dump) exec cat ${directory}/$word ;; esac; done`
  const { place, repository } = await scriptedTools(directory, { restic })
  const data = {
    ...{ database: null, archives: [], caches: [], folders: [], repository, second: null },
    ...{ release: 'r1', versions: {}, stack: directory },
  }
  return { data, place, unlessNewerThan: 3_600_000 }
}

it.each([
  ['that took hours and ended within the hour', 180, 50, /^backup \S+ is fresh: it ended 50 min \d+ s ago$/],
  ['that ended before', 180, 61, null],
  ['that began in the last 6 hours', 359, 50, /^backup \S+ is fresh: /],
  ['that began before, since it lacks what was written meanwhile', 361, 50, null],
  ['that ended at a time to come, after which the clock was put back', 180, -60, null],
])('a backup %s is fresh or not before a migration', async (_what, began, ended, fresh) => {
  await using place = await mkdtempDisposable(join(tmpdir(), 'fresh-'))
  const asked = backUpHere(await serverWith(place.path, began, ended), () => undefined, NEVER)
  // There is nothing that another one would hold.
  if (fresh === null) await expect(asked).rejects.toThrow('nothing to back up')
  else await expect(asked).resolves.toMatch(fresh)
})

it.each([
  ['a snapshot', { kind: 'snapshot', clusterTime: '1796000000.7' } as const, '2026-11-30T00:53:20Z'],
  [
    'collections that were read one after the other',
    { kind: 'span', from: '2026-11-30T00:50:00.000Z', to: '2026-11-30T00:55:00.000Z', why: 'a standalone' } as const,
    '2026-11-30T00:50:00.000Z',
  ],
])('a fresh backup of %s says as of when it holds the database', async (_what, moment, instant) => {
  await using place = await mkdtempDisposable(join(tmpdir(), 'fresh-'))
  const { data, ...asked } = await serverWith(place.path, 180, 50, moment)
  const login = { port: 1, database: 'pacs', username: 'backup', password: 'word' }
  const database = { service: 'mongodb', migrate: login, backup: login }
  await expect(backUpHere({ data: { ...data, database }, ...asked }, () => undefined, NEVER)).resolves.toMatch(
    new RegExp(`^backup \\S+ is fresh: it ended 50 min \\d+ s ago and holds the database as of ${instant}$`),
  )
})
