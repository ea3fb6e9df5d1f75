import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BSON } from 'mongodb'
import { expect, it } from 'vitest'
import { type Definition, metadataText } from '../../../src/backup/definition.ts'
import { restoreDatabase } from '../../../src/backup/restore.ts'
import { MemoryDatabase } from '../../backup/memory-database.ts'

it('an index that compares bytes does so again in a collection whose collation is another', async () => {
  const german = { locale: 'de', strength: new BSON.Int32(2) }
  const index = (name: string, more = {}) => ({
    v: new BSON.Int32(2),
    key: { [name]: new BSON.Int32(1) },
    name,
    ...more,
  })
  const names: Definition = {
    ...{ name: 'names', type: 'collection', options: { collation: german } },
    indexes: [index('_id_', { collation: german }), index('family', { collation: german }), index('code')],
  }
  const plain: Definition = { name: 'plain', type: 'collection', options: {}, indexes: [index('code')] }
  const directory = await mkdtemp(join(tmpdir(), 'pacs-restore-'))
  await using database = await MemoryDatabase.start()
  try {
    for (const one of [names, plain]) {
      await writeFile(join(directory, `${one.name}.metadata.json`), metadataText(one))
      await writeFile(join(directory, `${one.name}.bson`), '')
    }
    await restoreDatabase({ db: database.db, directory, signal: new AbortController().signal })
  } finally {
    await rm(directory, { recursive: true })
  }
  const made = (name: string) => database.collections.get(name)?.indexes.map((one) => [one.name, one.collation?.locale])
  expect(made('names')).toEqual([
    ['family', 'de'],
    ['code', 'simple'],
  ])
  expect(made('plain')).toEqual([['code', undefined]])
})
