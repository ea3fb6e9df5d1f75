// A migration as its author writes it for a runner that gives the driver alone: the same collections, validators, indexes and changes.

export function byHand(migration) {
  return {
    async up(db) {
      await migration.up({
        schema: { collection: (name, declared) => bring(db, name, declared) },
        batches: (declared) => change(db, declared),
      })
    },
  }
}

async function bring(db, name, { schema, indexes = [], dropIndexes = [] }) {
  const validation =
    schema === undefined
      ? {}
      : { validator: { $jsonSchema: schema }, validationLevel: 'strict', validationAction: 'error' }
  const exists = await db.listCollections({ name }, { nameOnly: true }).hasNext()
  if (!exists) await db.createCollection(name, validation)
  else if (schema !== undefined) await db.command({ collMod: name, ...validation })
  if (indexes.length > 0) await db.collection(name).createIndexes(indexes.map(({ serves, ...index }) => index))
  for (const index of dropIndexes) await db.collection(name).dropIndex(index)
}

async function change(db, { collection, filter, change, size }) {
  let operations = []
  const write = async () => {
    if (operations.length > 0) await db.collection(collection).bulkWrite(operations, { ordered: false })
    operations = []
  }
  for await (const document of db.collection(collection).find(filter)) {
    const { set, unset } = change(document)
    const update = unset === undefined ? { $set: set } : { $unset: Object.fromEntries(unset.map((name) => [name, ''])) }
    operations.push({ updateOne: { filter: { _id: document._id }, update } })
    if (operations.length === size) await write()
  }
  await write()
}
