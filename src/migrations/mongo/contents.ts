import type { Db } from 'mongodb'

/** Whether a database holds anything but what migrations keep of themselves. Reads only. */
export async function holdsDocuments(db: Db): Promise<boolean> {
  for (const { name, type } of await db.listCollections({}, { nameOnly: true }).toArray()) {
    if (type === 'view' || name.startsWith('_migrations') || name.startsWith('system.')) continue
    if ((await db.collection(name).findOne({}, { projection: { _id: 1 } })) !== null) return true
  }
  return false
}
