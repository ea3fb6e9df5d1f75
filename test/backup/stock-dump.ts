// Fills the database that PACS_TEST_MONGODB_URI names and dumps it into the folder that is named, as a backup does: for the stock
// mongorestore to read.
import { mkdir } from 'node:fs/promises'
import { MongoClient } from 'mongodb'
import { dumpDatabase } from '../../src/backup/index.ts'
import { fillRecords } from './records.ts'

const [directory] = process.argv.slice(2)
const uri = process.env.PACS_TEST_MONGODB_URI
if (directory === undefined || uri === undefined)
  throw new Error('name a folder, and a server in PACS_TEST_MONGODB_URI')
await using client = new MongoClient(uri, { directConnection: true })
const db = client.db('pacs')
await db.dropDatabase()
await fillRecords(db, 5000)
// A name that no file may have.
await db.collection('reports of 2020/21').insertOne({ text: 'a name that is escaped' })
await mkdir(directory)
const { signal } = new AbortController()
const { collections } = await dumpDatabase({ client, database: 'pacs', directory, signal })
for (const { name, count } of collections) console.log(`${name}: ${count} documents`)
