import { mkdtempDisposable } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { PART } from '../../../src/backup/catalogue.ts'
import type { Docker } from '../../../src/backup/docker.ts'
import { Restic } from '../../../src/backup/restic.ts'
import { RestoredLevels } from '../../../src/backup/restored-levels.ts'
import type { VerificationRequest } from '../../../src/backup/verification-request.ts'
import { contents } from './contents.ts'

class Empty extends Restic {
  override async restore(): Promise<void> {}
}

const [NOW, THEN] = [`mongo:8.0@sha256:${'1'.repeat(64)}`, `mongo:8.0@sha256:${'2'.repeat(64)}`]

it.each([
  ['runs now', { mongodb: NOW }, { mongodb: THEN }, NOW],
  ['ran then, where the service has another name since', { database: NOW }, { mongodb: THEN, agent: '1.0.0' }, THEN],
  ['nobody knows', { database: NOW }, { mongodb: '8.0.0' }, null],
])('restores a database into the image that %s', async (_which, images, versions, image) => {
  await using place = await mkdtempDisposable(join(tmpdir(), 'levels-'))
  const ran: string[] = []
  const docker: Docker = async (args) => {
    if (args[0] === 'info') return { code: 0, stdout: place.path, stderr: '' }
    if (args[0] !== 'run') return { code: 0, stdout: '', stderr: '' }
    ran.push(...args.filter((one) => one.startsWith('mongo:')))
    return { code: 1, stdout: '', stderr: 'the engine is away' }
  }
  const work = { id: 'ab', hostname: 'test', tags: [PART.work], paths: ['/staged'] }
  const backup = { id: contents.id, host: 'test', startedAt: contents.startedAt, bytes: 1, snapshots: [work] }
  const repository = { location: '/backups', passwordFile: '/password' }
  const request: VerificationRequest = {
    tools: { docker, restic: '/bin/false', path: '/bin', cache: place.path },
    ...{ id: 'verify-1', work: place.path, repository, which: 'newest', host: 'test', maxAge: null, through: 'L6' },
    ...{ images, memory: 1024 ** 3, checks: null, newestWithin: null, restoreWithin: null, now: new Date() },
    ...{ signal: new AbortController().signal, progress: () => undefined },
  }
  const levels = new RestoredLevels(request, new Empty('/bin/false', repository, '/bin', place.path), backup, {
    ...contents,
    versions,
  })
  const refusal = { kind: 'refused', message: 'no image is known for mongodb, which the backup holds' }
  await expect(levels.run()).rejects.toMatchObject(image === null ? refusal : { kind: 'error' })
  expect(new Set(ran)).toEqual(new Set(image === null ? [] : [image]))
})
