import type { Db } from 'mongodb'

const REPORTS = {
  $jsonSchema: {
    required: ['study', 'version'],
    properties: { study: { bsonType: 'string' }, version: { bsonType: ['int', 'long', 'double'] } },
  },
}

/** Fills a database with reports, signatures that name them, and a report from before its validator. */
export async function fillRecords(db: Db, reports: number): Promise<void> {
  const all = db.collection<{ _id: string; study: string; version: number | string; createdAt: Date }>('reports')
  await all.insertOne({ _id: 'legacy', study: '1.2.3', version: 'one', createdAt: new Date('2020-01-01T00:00:00Z') })
  for (let from = 0; from < reports; from += 1000) {
    await all.insertMany(
      Array.from({ length: Math.min(1000, reports - from) }, (_, index) => ({
        _id: `r${from + index}`,
        study: `1.2.840.${from + index}`,
        version: 1,
        // A DICOM tag as a name: in JavaScript it would move to the front.
        '20100010': 'STANDARD\\1,1',
        createdAt: new Date(),
      })),
    )
  }
  await all.createIndex({ study: 1, createdAt: -1 }, { name: 'by_study' })
  await db.command({ collMod: 'reports', validator: REPORTS, validationLevel: 'strict', validationAction: 'error' })
  const signatures = db.collection('digitalsignatures')
  await signatures.insertMany(
    Array.from({ length: 10 }, (_, index) => ({ recordId: `r${index}`, meaning: 'author', signedAt: new Date() })),
  )
  await signatures.createIndex({ recordId: 1, meaning: 1 }, { unique: true, name: 'one_per_meaning' })
  const sessions = db.collection('sessions')
  await sessions.insertMany([{ user: 'ada', expiresAt: new Date('2026-01-01T00:00:00Z') }])
  await db.command({ collMod: 'sessions', validator: { user: { $regex: '^[a-z]', $ne: 'root' } } })
  await sessions.createIndex({ expiresAt: 1 }, { expireAfterSeconds: 10 ** 9, name: 'ttl' })
}
