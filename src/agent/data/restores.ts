import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { planRestore, type RestoreTarget, runRestore } from '../../backup/index.ts'
import { badInput, messageOf } from '../../lib/index.ts'
import type { ChildLine } from './child.ts'
import { type DataPlan, secondOf } from './data-plan.ts'
import { layRecords } from './lay-records.ts'
import { requirePassword } from './password.ts'
import { type Place, toolsOf, WORK_FOLDERS } from './place.ts'

interface Asked {
  data: DataPlan
  place: Place
  backup: string
  repository: 'first' | 'second'
  target: RestoreTarget
  plan: boolean
  typed?: string | undefined
}

/** Restores, or says what a restore would do. @returns one line */
export async function restoreHere(
  asked: Asked,
  print: (line: ChildLine) => void,
  signal: AbortSignal,
): Promise<string> {
  const { data, place, target } = asked
  requireLasting(asked)
  await requirePassword(data)
  const database = data.database && target.kind !== 'study' ? data.database.migrate : null
  const reader = data.database?.backup ?? null
  const request = {
    tools: toolsOf(place),
    work: join(place.backups, 'restore'),
    repository: data.repository,
    from: asked.repository === 'first' ? null : secondOf(data),
    which: asked.backup,
    host: hostname(),
    target,
    database: database && { host: '127.0.0.1', ...database },
    oplogReader: reader && { host: '127.0.0.1', ...reader },
    archives: data.archives,
    caches: data.caches,
    typed: asked.typed ?? null,
    afterwards: target.kind === 'everything' ? (backup: string) => recordsOf(data, target.directory, backup) : null,
    signal,
    progress: (message: string) => print({ type: 'progress', message }),
  }
  if (!asked.plan) {
    const { backup, restored, mustType } = await runRestore(request)
    const left =
      mustType === null || asked.typed !== undefined ? '' : `; nothing was replaced: type ${mustType} to let it`
    return `restored from backup ${backup}: ${restored.join('; ')}${left}`
  }
  const { backup, steps, mustType, refusals } = await planRestore(request)
  if (target.kind === 'everything') steps.push('lay what is new of its audit and journal beside those of this server')
  for (const message of steps) print({ type: 'note', message })
  for (const refusal of refusals) print({ type: 'note', message: `refused: ${refusal}` })
  return `backup ${backup}: ${steps.length} steps${mustType === null ? '' : `, replacing needs the typed name ${mustType}`}${refusals.length === 0 ? '' : `, ${refusals.length} reasons against it`}`
}

/** @returns what became of the records of a lost server, also where they are a person's to lay */
function recordsOf(data: DataPlan, directory: string, backup: string): Promise<string> {
  return layRecords(data, directory, backup).catch(
    (thrown: unknown) =>
      `audit and journal in ${directory} could not be laid beside this server's own (${messageOf(thrown)}): copy them by hand`,
  )
}

/** @throws Failure `bad-input` where what is restored would lie among what a backup, a verification or a restore makes and removes */
function requireLasting({ data, place, target }: Asked): void {
  if (!('directory' in target)) return
  const folders = [
    ...WORK_FOLDERS.map((name) => join(place.backups, name)),
    toolsOf(place).cache,
    data.repository.location,
  ]
  const taken = folders.find((folder) => `${resolve(target.directory)}/`.startsWith(`${resolve(folder)}/`))
  if (taken === undefined) return
  const instead = join(place.backups, target.kind)
  throw badInput(
    `--into: ${target.directory} lies in ${taken}, where the agent removes files: name another directory, for example ${instead}`,
  )
}
