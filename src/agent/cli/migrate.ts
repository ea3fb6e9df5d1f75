import { hostname } from 'node:os'
import { join } from 'node:path'
import { badInput, exitClass } from '../../lib/index.ts'
import {
  appliedText,
  applyCarried,
  eventText,
  openDatabase,
  readCarried,
  readDecisions,
} from '../../migrations/index.ts'
import { migrationPhaseSchema } from '../../release/index.ts'
import type { OpenDatabase, RequesterReport, TransactionRequestInput } from '../client.ts'
import { type Command, type Console, readArgs } from './command.ts'
import { actorOf, codeOf, json, perform, pinned, releaseId } from './transactions.ts'

export const migrate: Command = {
  usage:
    '<release by digest> [--phase expand|data|contract] [--reason TEXT] [--allow-core] [--no-backup REASON] [--json]' +
    ' | undo --to ID|nothing --reason TEXT [--release ID] [--keep|--restore DOCUMENT]… [--no-backup REASON] [--json]' +
    ' | mark ID applied|pending --reason TEXT [--release ID] [--json]',
  summary:
    'brings the database to what a release needs, after a fresh backup; undo takes migrations back by what they kept; ' +
    'mark says of one that was cut, or whose ledger was edited, what is true',
  async run(args, console) {
    if (args[0] === 'undo') return undo(args.slice(1), console)
    if (args[0] === 'mark') return mark(args.slice(1), console)
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
  readDecisions(keep, restore)
  const request: TransactionRequestInput = {
    kind: 'undo',
    to: to === 'nothing' ? null : to,
    ...(release === undefined ? {} : { of: releaseId(release) }),
    ...{ keep, restore, reason: values.reason, actor: actorOf(console) },
    ...reasons({ 'no-backup': values['no-backup'] }),
  }
  return codeOf(await perform(request, values.json, console))
}

/** Says of a migration that nothing else can tell whether it is done. */
async function mark(args: readonly string[], console: Console): Promise<number> {
  const options = { ...json, release: { type: 'string' }, reason: { type: 'string' } } as const
  const { values, operands } = readArgs(args, options, [2, 2])
  const [migration = '', as] = operands
  if (as !== 'applied' && as !== 'pending') throw badInput(`${JSON.stringify(as)} is neither applied nor pending`)
  const { reason = '', release } = values
  if (reason.trim().length < 10) throw badInput('--reason: say in at least 10 characters how you found out')
  const of = release === undefined ? {} : { of: releaseId(release) }
  const request: TransactionRequestInput = { kind: 'mark', migration, as, reason, ...of, actor: actorOf(console) }
  return codeOf(await perform(request, values.json, console))
}

/** The reasons that were given. */
function reasons(values: { reason?: string | undefined; 'no-backup'?: string | undefined }) {
  const { reason, 'no-backup': noBackup } = values
  return { ...(reason === undefined ? {} : { reason }), ...(noBackup === undefined ? {} : { noBackup }) }
}

/** The requester's part of an expand: here the database is at the next door. */
async function expandHere(
  { port, release, migrations, ...login }: OpenDatabase,
  console: Console,
): Promise<RequesterReport> {
  const folder = join(console.paths.releases, release, 'stack', 'migrations')
  const carried = await readCarried(folder, migrations)
  await using database = await openDatabase({ ...login, port })
  const done = await applyCarried(database, carried, {
    phase: 'expand',
    run: '',
    actor: actorOf(console),
    host: hostname(),
    signal: new AbortController().signal,
    onEvent: (event) => console.warn(eventText(event)),
  })
  return { outcome: 'done', message: appliedText(done) }
}
