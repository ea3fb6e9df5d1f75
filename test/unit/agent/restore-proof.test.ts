import { existsSync } from 'node:fs'
import { mkdtempDisposable, readFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { checkLimit, verifyHere } from '../../../src/agent/data/restore-proof.ts'
import { contents } from '../backup/contents.ts'
import { scriptedTools } from './scripted-tools.ts'

const ID = '20261124t101500z-1f2e3d4c'
const NEVER = new AbortController().signal

/** A server whose repository holds one damaged backup, with an engine that answers nothing as long as `engine` says so. */
async function server(directory: string, engine: string, host = 'other') {
  const snapshot = {
    id: 'aa',
    time: '',
    hostname: host,
    tags: [`id=${ID}`, 'part=contents', 'bytes=1'],
    paths: ['/w/contents.json'],
  }
  const restic = `case " $* " in *' snapshots '*) echo '${JSON.stringify([snapshot])}' ;; *) touch ${directory}/read; echo damaged >&2; exit 1 ;; esac`
  const { place, repository } = await scriptedTools(directory, { docker: engine, restic })
  const data = { repository, second: null, versions: {}, stack: directory }
  return { data, place, backup: ID, repository: 'first', through: 'L6' } as const
}

it('keeps the report of a proof whose cleaning up fails', async () => {
  await using place = await mkdtempDisposable(join(tmpdir(), 'proof-'))
  const asked = await server(place.path, `if [ -e ${place.path}/read ]; then echo gone >&2; exit 1; fi`)
  await expect(verifyHere(asked, () => undefined, NEVER)).rejects.toThrow('gone')
  const report = JSON.parse(await readFile(join(asked.place.backups, 'verification.json'), 'utf8'))
  expect(report).toMatchObject({ backup: ID, outcome: 'failed' })
})

it.each([
  ['another server', 'other', false],
  ['this server', hostname(), true],
])('leaves the metrics of this server to proofs of its own backups: one of %s', async (_whose, host, told) => {
  await using place = await mkdtempDisposable(join(tmpdir(), 'proof-'))
  const asked = await server(place.path, ':', host)
  const { verification } = await verifyHere(asked, () => undefined, NEVER)
  expect(verification.outcome).toBe('failed')
  expect(existsSync(join(asked.place.metrics, 'pacs-backup-verification.prom'))).toBe(told)
})

it('gives a check five minutes, and one more for each million documents that it may have to read', () => {
  const { database } = contents
  if (database === null) expect.unreachable()
  const [collection = expect.unreachable()] = database.collections
  const holding = (...counts: number[]) =>
    checkLimit({
      ...contents,
      database: { ...database, collections: counts.map((count) => ({ ...collection, count })) },
    })
  expect(holding()).toBe(5 * 60_000)
  expect(holding(20_000_000, 10_000_000)).toBe(35 * 60_000)
})
