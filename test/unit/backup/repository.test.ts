import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { newBackupId } from '../../../src/backup/catalogue.ts'
import { makeRepository, prune } from '../../../src/backup/repository.ts'
import type { Snapshot } from '../../../src/backup/restic.ts'
import { retentionSchema } from '../../../src/backup/retention.ts'

/** The ids of the snapshots that retention forgets of these. */
async function forgottenOf(held: readonly Snapshot[]): Promise<string[]> {
  const forgotten: string[] = []
  const restic = {
    snapshots: async () => [...held],
    async forget(ids: readonly string[]) {
      forgotten.push(...ids)
    },
  }
  const taken = { id: newBackupId(new Date()), finishedAt: new Date().toISOString() }
  await prune(restic, retentionSchema.parse({}), taken, new AbortController().signal)
  return forgotten.sort()
}

it('a repository whose folder cannot be made is refused with the setting that names it', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'pacs-repository-'))
  await writeFile(join(directory, 'file'), '')
  const location = join(directory, 'file', 'repository')
  const restic = {
    repository: { location, passwordFile: '/nowhere' },
    init: () => Promise.reject(new Error('there is no folder')),
  }
  try {
    await expect(makeRepository(restic)).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringMatching(/file\/repository cannot be made \(ENOTDIR.*BACKUP_REPOSITORY must name a folder/),
    })
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
})

it('retention that is ended waits for the next backup', async () => {
  const ending = new AbortController()
  const restic = {
    snapshots: async () => [],
    async forget() {
      ending.abort(new Error('ended'))
      throw ending.signal.reason
    },
  }
  const taken = { id: newBackupId(new Date()), finishedAt: new Date().toISOString() }
  const pruned = prune(restic, retentionSchema.parse({}), taken, ending.signal)
  expect(await pruned).toEqual({ outcome: 'later', why: 'ended' })
})

it('servers that share a repository keep as many backups as each would alone', async () => {
  const nights = Array.from({ length: 60 }, (_, night) => new Date(Date.UTC(2026, 8, 1 + night, 1, 30)))
  const backupsOf = (hostname: string) =>
    nights.map((night) => ({
      id: `${hostname} ${night.toISOString()}`,
      hostname,
      time: night.toISOString(),
      tags: [`id=${newBackupId(night)}`, 'part=contents'],
      paths: [],
    }))
  const [production, staging] = [backupsOf('production'), backupsOf('staging')]
  const alone = [...(await forgottenOf(production)), ...(await forgottenOf(staging))]
  expect(alone.length).toBeGreaterThan(50)
  expect(await forgottenOf([...production, ...staging])).toEqual(alone)
})

it('a backup that lacks a part takes the place of no whole one, and is kept as long as it would be', async () => {
  const hours = Array.from({ length: 14 }, (_, hour) => new Date(Date.UTC(2026, 8, 1, 1 + hour, 30)))
  const backups = (parts: (index: number) => string[]) =>
    hours.map((at, index) => ({
      id: at.toISOString(),
      hostname: 'pacs1',
      time: at.toISOString(),
      tags: [`id=${newBackupId(at)}`, 'part=contents', ...parts(index)],
      paths: [],
    }))
  const ids = hours.map((at) => at.toISOString())
  expect(await forgottenOf(backups(() => []))).toEqual(ids.slice(0, 4))
  expect(await forgottenOf(backups((index) => (index >= 12 ? ['parts=1'] : [])))).toEqual(ids.slice(0, 2))
})
