// Reads a whole database once, measured from the first question to the last answer: by the bare driver, or as a dump. Its task comes as JSON
// on standard input.
import { text } from 'node:stream/consumers'
import type { MongoClient } from 'mongodb'
import { z } from 'zod'
import { connectDatabase, dumpDatabase } from '../../src/backup/index.ts'

const taskSchema = z.object({
  address: z.object({ host: z.string(), port: z.number(), username: z.string(), password: z.string() }),
  database: z.string(),
  how: z.enum(['bare', 'dump']),
  /** Documents per answer of the bare reading. */
  lot: z.number(),
  directory: z.string(),
})

const { address, database, how, lot, directory } = taskSchema.parse(JSON.parse(await text(process.stdin)))
const client = await connectDatabase(address)
try {
  const started = performance.now()
  const read = how === 'bare' ? await readBare(client) : await dump(client)
  process.stdout.write(JSON.stringify({ ms: performance.now() - started, ...read }))
} finally {
  await client.close()
}

async function readBare(client: MongoClient): Promise<{ documents: number; bytes: number }> {
  const db = client.db(database)
  const read = { documents: 0, bytes: 0 }
  for (const { name } of await db.listCollections({}, { nameOnly: true }).toArray()) {
    const cursor = db.collection(name).find({}, { raw: true, batchSize: lot })
    while (await cursor.hasNext()) {
      for (const document of cursor.readBufferedDocuments()) {
        read.documents += 1
        read.bytes += document.length
      }
    }
  }
  return read
}

async function dump(client: MongoClient): Promise<{ documents: number; bytes: number }> {
  const { collections } = await dumpDatabase({ client, database, directory, signal: new AbortController().signal })
  const sum = (of: 'count' | 'bytes') => collections.reduce((total, one) => total + one[of], 0)
  return { documents: sum('count'), bytes: sum('bytes') }
}
