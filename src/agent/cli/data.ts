// The verbs of the data: what is backed up, proved and brought back.
import { badInput, parseDuration } from '../../lib/index.ts'
import { secondSchema, type TransactionRequestInput, throughSchema, unjudged } from '../client.ts'
import { type Command, readArgs } from './command.ts'
import { actorOf, codeOf, json, perform } from './transactions.ts'

export const backup: Command = {
  usage: '[--json]',
  summary: 'takes a backup of the database, the images, the cache and the stack',
  async run(args, console) {
    const { values } = readArgs(args, json)
    return codeOf(await perform({ kind: 'backup', actor: actorOf(console) }, values.json, console))
  },
}

export const verify: Command = {
  usage:
    '[newest|random|<backup id>] [--repository first|second] [--through L1…L6] [--max-age 26h] [--newest-within 24h] [--restore-within 1h] [--json]',
  summary: 'restores a backup beside everything that lives, and compares',
  async run(args, console) {
    const texts = {
      repository: { type: 'string' },
      through: { type: 'string' },
      'max-age': { type: 'string' },
      'newest-within': { type: 'string' },
      'restore-within': { type: 'string' },
    } as const
    const options = { ...json, ...texts }
    const { values, operands } = readArgs(args, options, [0, 1])
    const { 'max-age': maxAge, 'newest-within': newest, 'restore-within': restored } = values
    const through = throughSchema.safeParse(values.through ?? 'L6')
    if (!through.success) throw badInput(`--through: ${JSON.stringify(values.through)} is none of L1 to L6`)
    const useless = unjudged('--', { ...values, through: through.data })
    if (useless.length > 0) throw badInput(useless.join('; '))
    const [backup = 'newest'] = operands
    const request: TransactionRequestInput = {
      ...{ kind: 'verify', backup, repository: repositoryOf(values), through: through.data, actor: actorOf(console) },
      ...(maxAge === undefined ? {} : { maxAge: parseDuration('--max-age', maxAge) }),
      ...(newest === undefined ? {} : { newestWithin: parseDuration('--newest-within', newest) }),
      ...(restored === undefined ? {} : { restoreWithin: parseDuration('--restore-within', restored) }),
    }
    const result = await perform(request, values.json, console)
    return codeOf(result.interrupted ? await perform(request, values.json, console) : result)
  },
}

export const restore: Command = {
  usage:
    'plan|run [<backup id>] --database [--to 2026-11-28T10:15:00Z] | --collection NAME | --study UID --into DIR | --everything --into DIR [--repository first|second] [--type NAME] [--json]',
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
      to: { type: 'string' },
      repository: { type: 'string' },
      type: { type: 'string' },
    } as const
    const { values, operands } = readArgs(args, options, [1, 2])
    const [mode, which = 'newest'] = operands
    if (mode !== 'plan' && mode !== 'run') throw badInput(`${JSON.stringify(mode)} is neither plan nor run`)
    const request: TransactionRequestInput = {
      kind: 'restore',
      backup: which,
      repository: repositoryOf(values),
      target: targetOf(values),
      plan: mode === 'plan',
      ...(values.type === undefined ? {} : { typed: values.type }),
      actor: actorOf(console),
    }
    return codeOf(await perform(request, values.json, console))
  },
}

function repositoryOf({ repository = 'first' }: { repository?: string | undefined }): 'first' | 'second' {
  if (repository === 'first' || repository === 'second') return repository
  throw badInput(`--repository: ${JSON.stringify(repository)} is neither first nor second`)
}

type Target = Extract<TransactionRequestInput, { kind: 'restore' }>['target']

function targetOf(values: {
  database: boolean
  collection?: string | undefined
  study?: string | undefined
  everything: boolean
  into?: string | undefined
  to?: string | undefined
}): Target {
  const { database, collection, study, everything, into, to } = values
  const directory = () => {
    if (into === undefined) throw badInput('--into is missing: name a directory on this server for what is restored')
    return into
  }
  const targets: Target[] = [
    ...(database ? [{ kind: 'database' as const, ...(to === undefined ? {} : { to: secondOf(to) }) }] : []),
    ...(collection === undefined ? [] : [{ kind: 'collection' as const, collection }]),
    ...(study === undefined ? [] : [{ kind: 'study' as const, study, directory: directory() }]),
    ...(everything ? [{ kind: 'everything' as const, directory: directory() }] : []),
  ]
  const [target] = targets
  if (target === undefined || targets.length > 1) {
    throw badInput('say what to restore by one of --database, --collection NAME, --study UID, --everything')
  }
  if (to !== undefined && target.kind !== 'database') {
    throw badInput('--to goes with --database: it alone comes back as it was at a moment between two backups')
  }
  if (into !== undefined && (target.kind === 'database' || target.kind === 'collection')) {
    throw badInput(
      '--into goes with --study and --everything, whose files it takes: a database or a collection comes back into the database, beside the live one',
    )
  }
  return target
}

function secondOf(to: string): string {
  if (secondSchema.safeParse(to).success) return to
  throw badInput(`--to: ${JSON.stringify(to)} is no second of UTC like 2026-11-28T10:15:00Z`)
}
