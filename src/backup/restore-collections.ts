import type { Db } from 'mongodb'
import { Failure, refused } from '../lib/index.ts'
import { compareDefinitions, compareDocuments, compareRestored } from './compare.ts'
import type { DatabaseContents } from './contents.ts'
import { countCollection } from './counting.ts'
import { parseMetadata, readDefinitions } from './definition.ts'
import type { HeldTtl } from './held-ttl.ts'
import { type RestoreRequest, restoreDatabase } from './restore.ts'

/** `_restored_…` and `_before_…`: the time of a backup's id and its random part. */
export function sideName(name: string, what: 'restored' | 'before', id: string): string {
  return `${name}_${what}_${id.replaceAll(/[^0-9a-z]/g, '')}`
}

/**
 * Restores collections of a dump under other names and compares them with what was backed up. One that an earlier restore of
 * this backup left there is taken as it is, if it is the same. Nothing expires in them before `ttl` is released.
 * @throws Failure `failed` that names every difference; what was restored stays for a look, beside the live data
 */
export async function restoreBeside(
  contents: DatabaseContents,
  request: RestoreRequest & { as: ReadonlyMap<string, string>; ttl: HeldTtl },
): Promise<void> {
  const { db, as, ttl, signal } = request
  const wanted = renamed(contents, as)
  // Also of what an earlier restore left there.
  for (const { name, metadata } of wanted.collections) ttl.hold(name, parseMetadata(metadata).indexes)
  const there = await db.listCollections({ name: { $in: [...as.values()] } }, { nameOnly: true }).toArray()
  if (there.length > 0) {
    await refuseChanged(db, wanted, ttl, signal)
    return
  }
  const restored = await restoreDatabase(request)
  const findings = [...compareRestored(wanted, restored).findings, ...(await differences(db, wanted, ttl, signal))]
  if (findings.length === 0) return
  const where = `${db.databaseName}: ${[...as.values()].join(', ')}`
  throw new Failure(
    'failed',
    `what was restored differs from the backup and was not used (${where}): ${findings.join('; ')}`,
  )
}

/** How the collections that are there differ from what was backed up. */
async function differences(db: Db, wanted: DatabaseContents, ttl: HeldTtl, signal: AbortSignal): Promise<string[]> {
  const names = new Set(wanted.collections.map(({ name }) => name))
  const definitions = (await readDefinitions(db)).filter(({ name }) => names.has(name))
  const stored = definitions.filter(({ type }) => type !== 'view')
  const found = await Promise.all(stored.map(({ name }) => countCollection(db, name, signal)))
  const released = definitions.map((one) => ttl.asReleased(one))
  return [...compareDefinitions(wanted, released).findings, ...compareDocuments(wanted, found).findings]
}

async function refuseChanged(db: Db, wanted: DatabaseContents, ttl: HeldTtl, signal: AbortSignal): Promise<void> {
  const findings = await differences(db, wanted, ttl, signal)
  if (findings.length === 0) return
  const drops = wanted.collections.map(({ name }) => `db.${name}.drop()`).join(', ')
  throw refused(
    `left by a restore that was cut, or changed since (${findings.join('; ')}): nothing was overwritten; type ${drops} in mongosh for ${db.databaseName}, then ask again`,
  )
}

function renamed(contents: DatabaseContents, as: ReadonlyMap<string, string>): DatabaseContents {
  const collections = contents.collections.flatMap((one) => {
    const name = as.get(one.name)
    return name === undefined ? [] : [{ ...one, name }]
  })
  return { ...contents, collections }
}

/**
 * Puts a restored collection in the place of the live one, which is kept under another name.
 * @returns that name, or null where there was no live one @throws Failure `failed` that says what to type, when the second of the two renames fails
 */
export async function swapIn(db: Db, restored: string, live: string, id: string): Promise<string | null> {
  const there = await db.listCollections({ name: live }, { nameOnly: true }).hasNext()
  if (!there) {
    await db.renameCollection(restored, live)
    return null
  }
  const before = sideName(live, 'before', id)
  if (await db.listCollections({ name: before }, { nameOnly: true }).hasNext()) {
    throw refused(`${before} is there already, from another restore of this backup: rename or drop it first`)
  }
  await db.renameCollection(live, before)
  try {
    await db.renameCollection(restored, live)
  } catch (thrown) {
    // The live one comes back, so that the application finds its data whatever happened.
    await db.renameCollection(before, live).catch(() => {
      throw new Failure('failed', `${live} is away: type db.${before}.renameCollection("${live}") in mongosh`)
    })
    throw thrown
  }
  return before
}
