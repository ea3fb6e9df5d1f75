import { mkdtempDisposable } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type MongoClient, MongoServerError } from 'mongodb'
import { expect, test } from 'vitest'
import { dumpDatabase } from '../../../src/backup/dump.ts'

test('a moment that the server has forgotten is told with the variable that has it kept for longer', async () => {
  await using place = await mkdtempDisposable(join(tmpdir(), 'dump-'))
  const command = () => Promise.reject(new MongoServerError({ code: 239, message: 'Read timestamp is too old' }))
  const client = { db: () => ({ command }) } as unknown as MongoClient
  const dumping = dumpDatabase({ client, database: 'pacs', directory: place.path, signal: AbortSignal.timeout(5000) })
  await expect(dumping).rejects.toThrow(/no longer holds the snapshot .*raise MONGODB_SNAPSHOT_SECONDS/)
})
