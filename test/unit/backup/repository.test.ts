import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { makeRepository } from '../../../src/backup/repository.ts'

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
