import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, it, onTestFinished } from 'vitest'
import type { Docker } from '../../../src/backup/docker.ts'
import { studiesHeld } from '../../../src/backup/restore-volumes.ts'

const source = { service: 'orthanc', container: 'o', volume: 'images', index: null }

const TABLES = `CREATE TABLE AttachedFiles (id, uuid, fileType, compressedSize, compressionType, compressedMD5);
  CREATE TABLE Resources (internalId, resourceType); INSERT INTO Resources VALUES (1, 2), (2, 2), (3, 3)`

/** An engine that copies an index of each of `contents` in turn, then of the last again and again. */
async function engine(...contents: readonly string[]) {
  const scratch = await mkdtemp(join(tmpdir(), 'pacs-volumes-'))
  onTestFinished(() => rm(scratch, { recursive: true }))
  let copies = 0
  const docker: Docker = async ([verb, , to = '']) => {
    if (verb === 'container')
      return { code: 0, stderr: '', stdout: JSON.stringify([{ Name: 'images', Destination: '/d' }]) }
    if (!to.endsWith('/index')) return { code: 1, stderr: 'no such file', stdout: '' }
    const content = contents[Math.min(copies++, contents.length - 1)] ?? ''
    await writeFile(to, '')
    const database = new DatabaseSync(to)
    database.exec(content)
    database.close()
    return { code: 0, stderr: '', stdout: '' }
  }
  return { held: () => studiesHeld(docker, source, join(scratch, 'probe')), copies: () => copies }
}

it('looks again at an index that Orthanc just makes', async () => {
  const { held, copies } = await engine('', TABLES)
  expect(await held()).toBe(2)
  expect(copies()).toBe(2)
})

it('says of which service the index cannot be read', async () => {
  const { held } = await engine('CREATE TABLE Others (id)')
  await expect(held()).rejects.toMatchObject({
    kind: 'refused',
    message: 'the index of orthanc cannot be read: no such table: AttachedFiles; ask again once it is up',
  })
})
