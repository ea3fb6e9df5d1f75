import { type Db, MongoServerError } from 'mongodb'
import { Failure, refused } from '../lib/index.ts'
import { compareDefinitions, compareDocuments, compareRestored } from './compare.ts'
import type { DatabaseContents } from './contents.ts'
import { countCollection } from './counting.ts'
import { parseMetadata, readDefinitions } from './definition.ts'
import type { HeldTtl } from './held-ttl.ts'
import { type RestoreRequest, restoreDatabase } from './restore.ts'

/** What an application writes between the two renames of a swap is put aside, this often. */
const MEANWHILE = ['meanwhile1', 'meanwhile2', 'meanwhile3', 'meanwhile4', 'meanwhile5'] as const

/** `_restored_…`, `_before_…` and the like: the time of a backup's id and its random part. */
export function sideName(name: string, what: 'restored' | 'before' | (typeof MEANWHILE)[number], id: string): string {
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

const NAMESPACE_EXISTS = 48

/** What stands in the way of a swap, and what a person types then: each may be the only copy of the newest data. Null when nothing does. */
export async function swapRefusal(db: Db, live: string, id: string): Promise<string | null> {
  const before = sideName(live, 'before', id)
  const aside = [before, ...MEANWHILE.map((what) => sideName(live, what, id))]
  const listed = await db.listCollections({ name: { $in: [live, ...aside] } }, { nameOnly: true }).toArray()
  const there = new Set(listed.map(({ name }) => name))
  if (there.has(before) && !there.has(live)) {
    return `${live} is away since a swap that was cut: type db.${before}.renameCollection("${live}") in mongosh for ${db.databaseName}, which brings it back`
  }
  const kept = aside.find((name) => there.has(name))
  if (kept === undefined) return null
  const what = kept === before ? `${live} as it was before` : `what was written to ${live} meanwhile`
  return `${kept} is there already, from another restore of this backup: it holds ${what}; give it another name first, by db.${kept}.renameCollection("…") in mongosh for ${db.databaseName}`
}

/**
 * Puts a restored collection in the place of the live one, which is kept under another name. So is what an application writes
 * between the two renames: the server makes a bare collection for it, under the name that is free for a moment.
 * @param ttl released once nothing stands in the way
 * @returns the collection, then what was put aside for it and what that is
 * @throws Failure `refused` before any change; `failed` that says what to type, when neither the restored one nor the live one has come into the place
 */
export async function swapIn(db: Db, restored: string, live: string, id: string, ttl: HeldTtl): Promise<string[]> {
  const refusal = await swapRefusal(db, live, id)
  if (refusal !== null) throw refused(refusal)
  await ttl.release(db)
  const before = sideName(live, 'before', id)
  const free = MEANWHILE.map((what) => sideName(live, what, id))
  const there = await db.listCollections({ name: live }, { nameOnly: true }).hasNext()
  if (there) await db.renameCollection(live, before)
  const meanwhile: string[] = []
  try {
    for (const aside of free) {
      if (await isRenamed(db, restored, live)) break
      await db.renameCollection(live, aside)
      meanwhile.push(aside)
    }
  } catch (thrown) {
    // The live one comes back, so that the application finds its data whatever happened.
    if (there) {
      await db.renameCollection(before, live).catch(() => {
        throw new Failure('failed', `${live} is away: ${byHand(before, live)}`)
      })
    }
    throw thrown
  }
  const kept = there ? [`${before} (as it was)`] : []
  if (meanwhile.length === free.length) {
    throw new Failure(
      'failed',
      `${live} is written to all the time: ${byHand(restored, live)}; kept: ${[...kept, ...meanwhile].join(', ')}`,
    )
  }
  const written = meanwhile.map(
    async (name) => `${name} (written meanwhile: ${await db.collection(name).countDocuments()} documents)`,
  )
  return [live, ...kept, ...(await Promise.all(written))]
}

/** @returns whether it could be renamed; false where the name is taken */
async function isRenamed(db: Db, from: string, to: string): Promise<boolean> {
  try {
    await db.renameCollection(from, to)
    return true
  } catch (thrown) {
    if (thrown instanceof MongoServerError && thrown.code === NAMESPACE_EXISTS) return false
    throw thrown
  }
}

/** What a person types who has stopped the writer: a collection that it made has the name. */
function byHand(from: string, live: string): string {
  return `stop what writes there, rename ${live} if there is one again, and type db.${from}.renameCollection("${live}") in mongosh`
}
