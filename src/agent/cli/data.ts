// The verbs of the data: what is migrated, backed up, proved and brought back.
import { hostname } from 'node:os'
import { join } from 'node:path'
import { badInput, exitClass, parseDuration } from '../../lib/index.ts'
import {
  appliedText,
  applyMigrations,
  eventText,
  loadMigrations,
  ofRelease,
  openDatabase,
} from '../../migrations/index.ts'
import { migrationPhaseSchema } from '../../release/index.ts'
import { type OpenDatabase, type RequesterReport, type TransactionRequestInput, throughSchema } from '../client.ts'
import { type Command, type Console, readArgs } from './command.ts'
import { actorOf, codeOf, json, perform, pinned, releaseId } from './transactions.ts'

export const migrate: Command = {
  usage:
    '<release by digest> [--phase expand|data|contract] [--reason TEXT] [--allow-core] [--no-backup REASON] [--json]' +
    ' | undo --to ID|nothing --reason TEXT [--release ID] [--keep|--restore DOCUMENT]… [--no-backup REASON] [--json]',
  summary:
    'brings the database to what a release needs, after a fresh backup; undo takes migrations back by what they kept',
  async run(args, console) {
    if (args[0] === 'undo') return undo(args.slice(1), console)
    const options = {
      ...json,
      phase: { type: 'string', default: 'expand' },
      'allow-core': { type: 'boolean', default: false },
      'no-backup': { type: 'string' },
      reason: { type: 'string' },
    } as const
    const { values, operands } = readArgs(args, options, [1, 1])
    const phase = migrationPhaseSchema.safeParse(values.phase)
    if (!phase.success) throw badInput(`--phase: ${JSON.stringify(values.phase)} is none of expand, data, contract`)
    const asked = { release: pinned(operands), allowCore: values['allow-core'], actor: actorOf(console) }
    const request = { kind: 'migrate' as const, ...asked, phase: phase.data, ...reasons(values) }
    const own = (database: OpenDatabase) => expandHere(database, console)
    const result = await perform(request, values.json, console, own)
    if (!result.coreFirst) return codeOf(result)
    const core = codeOf(await perform({ kind: 'core', ...asked }, values.json, console))
    return core === exitClass.ok ? codeOf(await perform(request, values.json, console, own)) : core
  },
}

/** Takes migrations back: those after `--to`, the last first. */
async function undo(args: readonly string[], console: Console): Promise<number> {
  const options = {
    ...json,
    to: { type: 'string' },
    release: { type: 'string' },
    reason: { type: 'string' },
    keep: { type: 'string', multiple: true },
    restore: { type: 'string', multiple: true },
    'no-backup': { type: 'string' },
  } as const
  const { values } = readArgs(args, options)
  const { to, keep = [], restore = [], release } = values
  if (!to) throw badInput('--to is missing: name the last migration that stays, or nothing')
  if (!values.reason) throw badInput('--reason is missing: say why, the journal keeps it')
  const both = keep.find((one) => restore.includes(one))
  if (both !== undefined) throw badInput(`${both}: --keep and --restore cannot both be`)
  const request: TransactionRequestInput = {
    kind: 'undo',
    to: to === 'nothing' ? null : to,
    ...(release === undefined ? {} : { of: releaseId(release) }),
    ...{ keep, restore, reason: values.reason, actor: actorOf(console) },
    ...reasons({ 'no-backup': values['no-backup'] }),
  }
  return codeOf(await perform(request, values.json, console))
}

/** The reasons that were given. */
function reasons(values: { reason?: string | undefined; 'no-backup'?: string | undefined }) {
  const { reason, 'no-backup': noBackup } = values
  return { ...(reason === undefined ? {} : { reason }), ...(noBackup === undefined ? {} : { noBackup }) }
}

/** The requester's part of an expand: here the database is at the next door. */
async function expandHere(
  { port, release, migrations: carried, ...login }: OpenDatabase,
  console: Console,
): Promise<RequesterReport> {
  const folder = join(console.paths.releases, release, 'stack', 'migrations')
  const migrations = ofRelease(await loadMigrations(folder), carried)
  await using database = await openDatabase({ ...login, port })
  const done = await applyMigrations(database, migrations, {
    phase: 'expand',
    run: '',
    actor: actorOf(console),
    host: hostname(),
    signal: new AbortController().signal,
    onEvent: (event) => console.warn(eventText(event)),
  })
  return { outcome: 'done', message: appliedText(done) }
}

export const backup: Command = {
  usage: '[--json]',
  summary: 'takes a backup of the database, the images, the cache and the stack',
  async run(args, console) {
    const { values } = readArgs(args, json)
    return codeOf(await perform({ kind: 'backup', actor: actorOf(console) }, values.json, console))
  },
}

export const verify: Command = {
  usage: '[newest|random|<backup id>] [--repository first|second] [--through L1…L6] [--max-age 26h] [--json]',
  summary: 'restores a backup beside everything that lives, and compares',
  async run(args, console) {
    const texts = {
      repository: { type: 'string' },
      through: { type: 'string' },
      'max-age': { type: 'string' },
    } as const
    const options = { ...json, ...texts }
    const { values, operands } = readArgs(args, options, [0, 1])
    const { repository = 'first', 'max-age': maxAge } = values
    if (repository !== 'first' && repository !== 'second') {
      throw badInput(`--repository: ${JSON.stringify(repository)} is neither first nor second`)
    }
    const through = throughSchema.safeParse(values.through ?? 'L6')
    if (!through.success) throw badInput(`--through: ${JSON.stringify(values.through)} is none of L1 to L6`)
    const [backup = 'newest'] = operands
    const request: TransactionRequestInput = {
      ...{ kind: 'verify', backup, repository, through: through.data, actor: actorOf(console) },
      ...(maxAge === undefined ? {} : { maxAge: parseDuration('--max-age', maxAge) }),
    }
    return codeOf(await perform(request, values.json, console))
  },
}

export const restore: Command = {
  usage:
    'plan|run [<backup id>] --database | --collection NAME | --study UID --into DIR | --everything --into DIR [--type NAME] [--json]',
  summary:
    'brings data back from a backup; plan says what run would do, and run replaces nothing without the typed name',
  async run(args, console) {
    const options = {
      ...json,
      database: { type: 'boolean', default: false },
      collection: { type: 'string' },
      study: { type: 'string' },
      everything: { type: 'boolean', default: false },
      into: { type: 'string' },
      type: { type: 'string' },
    } as const
    const { values, operands } = readArgs(args, options, [1, 2])
    const [mode, which = 'newest'] = operands
    if (mode !== 'plan' && mode !== 'run') throw badInput(`${JSON.stringify(mode)} is neither plan nor run`)
    const request: TransactionRequestInput = {
      kind: 'restore',
      backup: which,
      target: targetOf(values),
      plan: mode === 'plan',
      ...(values.type === undefined ? {} : { typed: values.type }),
      actor: actorOf(console),
    }
    return codeOf(await perform(request, values.json, console))
  },
}

type Target = Extract<TransactionRequestInput, { kind: 'restore' }>['target']

function targetOf(values: {
  database: boolean
  collection?: string | undefined
  study?: string | undefined
  everything: boolean
  into?: string | undefined
}): Target {
  const { database, collection, study, everything, into } = values
  const directory = () => {
    if (into === undefined) throw badInput('--into is missing: name a directory on this server for what is restored')
    return into
  }
  const targets: Target[] = [
    ...(database ? [{ kind: 'database' as const }] : []),
    ...(collection === undefined ? [] : [{ kind: 'collection' as const, collection }]),
    ...(study === undefined ? [] : [{ kind: 'study' as const, study, directory: directory() }]),
    ...(everything ? [{ kind: 'everything' as const, directory: directory() }] : []),
  ]
  const [target] = targets
  if (target === undefined || targets.length > 1) {
    throw badInput('say what to restore by one of --database, --collection NAME, --study UID, --everything')
  }
  return target
}
