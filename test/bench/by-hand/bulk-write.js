// The backfill of the bench by the driver alone. It reads nothing, since it knows every document already. Its task comes as JSON on standard input.
import { text } from 'node:stream/consumers'
import { MongoClient } from 'mongodb'

const { port, database, username, password, collection, documents, size } = JSON.parse(await text(process.stdin))
const client = new MongoClient(`mongodb://127.0.0.1:${port}/`, {
  auth: { username, password },
  authSource: 'admin',
  directConnection: true,
  writeConcern: { w: 'majority', journal: true },
})
try {
  const target = client.db(database).collection(collection)
  let matched = 0
  for (let from = 0; from < documents; from += size) {
    const operations = Array.from({ length: Math.min(size, documents - from) }, (_, index) => {
      const n = from + index
      return { updateOne: { filter: { _id: n }, update: { $set: { words: n % 100 } } } }
    })
    matched += (await target.bulkWrite(operations, { ordered: false })).matchedCount
  }
  if (matched !== documents) throw new Error(`${matched} of ${documents} documents were changed`)
} finally {
  await client.close()
}
