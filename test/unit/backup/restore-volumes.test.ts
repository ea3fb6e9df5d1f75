import { expect, it } from 'vitest'
import { archiveContentsSchema } from '../../../src/backup/contents.ts'
import { indexRefusal } from '../../../src/backup/restore-volumes.ts'

const place = { service: 'index', database: 'd', user: 'u' }
/** As a backup says it that was made before PostgreSQL was carried: without a word of the index. */
const written = {
  ...{ service: 'store', volume: 'v', storage: 'db', patients: 1, studies: 1, series: 1, instances: 1, files: 1 },
  ...{ bytes: 1, at: '2026-11-24T10:15:00.000Z', paused: 0.1 },
}
const inSqlite = archiveContentsSchema.parse(written)
const inPostgres = archiveContentsSchema.parse({ ...written, index: { ...place, tables: [] } })

it('an index comes back into its own kind only, and both kinds are said', () => {
  const source = (index: typeof place | null) => ({
    ...{ service: 'store', container: 'c', volume: 'v' },
    index: index && { ...index, container: 'i' },
  })
  expect(indexRefusal(inSqlite, source(null))).toBeNull()
  expect(indexRefusal(inPostgres, source(place))).toBeNull()
  expect(indexRefusal(inSqlite, source(place))).toMatch(/in PostgreSQL here, the backup holds one of SQLite/)
  expect(indexRefusal(inPostgres, source(null))).toMatch(/in SQLite here, the backup holds one of PostgreSQL/)
})
