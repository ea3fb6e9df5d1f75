import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Failure } from '../lib/index.ts'
import { backupsOf, findParts, isWhole } from './catalogue.ts'
import { namesIn } from './definition.ts'
import { sideName, swapRefusal } from './restore-collections.ts'
import { planEverything } from './restore-everything.ts'
import type { RestorePlan } from './restore-request.ts'
import { bytesOf, planRoom } from './restore-room.ts'
import type { RestoreSession } from './restore-session.ts'
import { planReplay } from './restore-to-instant.ts'

/** Says what a restore would do and why it could not, and changes nothing. */
export async function planOf(session: RestoreSession): Promise<RestorePlan> {
  const { target } = session.request
  const plan: RestorePlan = { backup: session.contents.id, steps: [], mustType: null, refusals: [] }
  const lack = lackOf(session)
  if (lack !== null) plan.refusals.push(lack)
  if (target.kind === 'study') {
    plan.steps.push(`restore the files of study ${target.study} into ${target.directory}`, 'compare each with its MD5')
    const { indexes, inPostgres } = bytesOf(session.contents)
    await planRoom(plan, session, { files: indexes, kept: inPostgres, what: 'the index' })
    const there = join(target.directory, target.study)
    if (existsSync(there)) {
      plan.refusals.push(
        `${there} is there already, whole or not: nothing is overwritten; remove it or name another directory`,
      )
    }
  } else if (target.kind === 'database') {
    await planDatabase(plan, session, target.to)
  } else if (target.kind === 'collection') await planCollection(plan, session, target.collection)
  else await planEverything(plan, session, target.directory)
  return plan
}

/** @returns what of the backup is gone from the repository, and which one has all. Null where nothing is */
function lackOf({ backup, contents, backups }: RestoreSession): string | null {
  try {
    findParts(backup, contents)
    return null
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown
    const whole = backupsOf(backup.host, backups).find((one) => one.id !== backup.id && isWhole(one))
    const instead =
      whole === undefined
        ? `there is no other of ${backup.host}`
        : `the newest whole one of ${backup.host} is ${whole.id}`
    return `${thrown.message}; ${instead}`
  }
}

async function planDatabase(plan: RestorePlan, session: RestoreSession, to: string | undefined): Promise<void> {
  const { database, live, sideDatabase } = session
  plan.steps.push(
    `restore the database ${database.database} beside the live one, as ${sideDatabase}`,
    'compare counts, content hashes, options, validators and indexes',
  )
  const { dump } = bytesOf(session.contents)
  await planRoom(plan, session, { files: dump, kept: dump, what: 'the database' })
  if (to === undefined) plan.steps.push(asOf(session))
  else await planReplay(plan, session, to)
  if ((await namesIn(live.db(sideDatabase))).length > 0) {
    plan.refusals.push(
      `the database ${sideDatabase} is there already, from another restore: nothing is overwritten; drop it with db.getSiblingDB("${sideDatabase}").dropDatabase() in mongosh`,
    )
  }
}

/** As of when it comes back, and whether another moment can be had. */
function asOf({ database: { moment }, contents: { startedAt } }: RestoreSession): string {
  return moment.kind === 'snapshot'
    ? `it is as of cluster time ${moment.clusterTime} (backup of ${startedAt}); --database --to brings the database back as of a later second`
    : `it is as of ${moment.to} (backup of ${startedAt}); no later point in time can be had: ${moment.why}`
}

async function planCollection(plan: RestorePlan, session: RestoreSession, collection: string): Promise<void> {
  const { database, live, request, contents } = session
  const { id } = contents
  const stored = database.collections.find(({ name }) => name === collection)
  if (stored === undefined) {
    plan.refusals.push(`the backup ${id} holds no collection ${collection}`)
    return
  }
  const db = live.db(database.database)
  const side = sideName(collection, 'restored', id)
  const names = await namesIn(db)
  const there = names.includes(collection)
  // What an earlier look left beside the live one is used.
  const kept = names.includes(side) ? 0 : stored.bytes
  await planRoom(plan, session, { files: stored.bytes, kept, what: 'the collection' })
  plan.steps.push(`restore ${collection} as ${side}`, 'compare it with the backup')
  const refusal = !there || request.typed === collection ? await swapRefusal(db, collection, id) : null
  if (refusal !== null) plan.refusals.push(refusal)
  else if (!there) plan.steps.push(`name it ${collection}: there is none now`)
  else if (request.typed === collection) {
    plan.steps.push(
      `keep the live one as ${sideName(collection, 'before', id)} (better stop what writes there before)`,
      `name the restored one ${collection}`,
    )
  } else plan.steps.push('leave it there: the live one is replaced only when its name is typed')
  plan.steps.push(asOf(session))
  if (there) plan.mustType = collection
  if (request.typed !== null && request.typed !== collection) {
    plan.refusals.push(`"${request.typed}" was typed, the collection is ${collection}`)
  }
}
