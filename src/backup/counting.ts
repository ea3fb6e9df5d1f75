import type { Db } from 'mongodb'
import type { CountedCollection } from './compare.ts'
import { ContentHash } from './content-hash.ts'
import { readDefinitions } from './definition.ts'
import { readRaw } from './dump.ts'

/** Counts and hashes what a database holds, as a dump does. */
export async function countAll(db: Db, signal: AbortSignal): Promise<CountedCollection[]> {
  const counted: CountedCollection[] = []
  for (const { name, type } of await readDefinitions(db)) {
    if (type !== 'view') counted.push(await countCollection(db, name, signal))
  }
  return counted
}

export async function countCollection(db: Db, name: string, signal: AbortSignal): Promise<CountedCollection> {
  const hash = new ContentHash()
  let count = 0
  for await (const lot of readRaw(db, name, undefined, signal)) {
    for (const document of lot) hash.add(document)
    count += lot.length
  }
  return { name, count, hash: hash.hex }
}
