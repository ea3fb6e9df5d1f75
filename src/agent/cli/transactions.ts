import { randomBytes } from 'node:crypto'
import { badInput, exitClass, Failure, parseDuration } from '../../lib/index.ts'
import { parsePinned, releaseIdSchema } from '../../release/index.ts'
import { reportOf } from '../client.ts'
import {
  type OpenDatabase,
  type RequesterReport,
  type TransactionEvent,
  type TransactionRequestInput,
  type TransactionResult,
  transactionIdSchema,
} from '../protocol.ts'
import { type Command, type Console, readArgs } from './command.ts'

/** The option of every verb that can answer for machines. */
export const json = { json: { type: 'boolean', default: false } } as const
const watching = { watch: { type: 'string' }, hold: { type: 'string' }, 'keep-warm': { type: 'string' } } as const

export const deploy: Command = {
  usage: '<release by digest> [--allow-core] [--watch 60s] [--hold 5m] [--keep-warm 10m] [--json]',
  summary: 'brings a release to this server beside the serving one, and switches when it is healthy',
  async run(args, console) {
    const options = { ...json, ...watching, 'allow-core': { type: 'boolean', default: false } } as const
    const { values, operands } = readArgs(args, options, [1, 1])
    const release = pinned(operands)
    const asked = { release, allowCore: values['allow-core'], actor: actorOf(console) }
    const request = { kind: 'deploy' as const, ...asked, ...durations(values) }
    const result = await perform(request, values.json, console)
    if (!result.coreFirst) return codeOf(result)
    const core = codeOf(await perform({ kind: 'core', ...asked }, values.json, console))
    return core === exitClass.ok ? codeOf(await perform(request, values.json, console)) : core
  },
}

export const rollback: Command = {
  usage: '[<release id>] --reason TEXT [--config its-own|current] [--watch 60s] [--hold 5m] [--keep-warm 10m] [--json]',
  summary: 'goes back to the previous release, or to one that this server accepted before',
  async run(args, console) {
    const options = { ...json, ...watching, reason: { type: 'string' }, config: { type: 'string' } } as const
    const { values, operands } = readArgs(args, options, [0, 1])
    if (!values.reason) throw badInput('--reason is missing: say why, the audit keeps it')
    const config = whichConfig(values.config ?? 'its-own')
    const to = operands[0] === undefined ? {} : { to: releaseId(operands[0]) }
    const request = { reason: values.reason, config, ...to, ...durations(values), actor: actorOf(console) }
    return codeOf(await perform({ kind: 'rollback', ...request }, values.json, console))
  },
}

export const core: Command = {
  usage: '<release by digest> [--allow-core] [--json]',
  summary: 'starts absent core services; replaces changed ones only with --allow-core',
  async run(args, console) {
    const options = { ...json, 'allow-core': { type: 'boolean', default: false } } as const
    const { values, operands } = readArgs(args, options, [1, 1])
    const request = { release: pinned(operands), allowCore: values['allow-core'], actor: actorOf(console) }
    return codeOf(await perform({ kind: 'core', ...request }, values.json, console))
  },
}

export const abort: Command = {
  usage: '<transaction>',
  summary: 'asks an unsealed transaction to undo itself',
  async run(args, { agent, print }) {
    const id = transactionId(readArgs(args, {}, [1, 1]).operands)
    await agent.abort(id)
    print(`${id} undoes itself: pacs-agent follow ${id}`)
    return exitClass.ok
  },
}

export const follow: Command = {
  usage: '<transaction> [--json]',
  summary: 'shows a transaction up to its result, whose class is the exit code',
  async run(args, console) {
    const { values, operands } = readArgs(args, json, [1, 1])
    return codeOf(await watch(transactionId(operands), values.json, console))
  },
}

/**
 * Asks for a transaction and shows it up to its result.
 * @param own what the requester does itself once its step comes
 */
export async function perform(
  request: TransactionRequestInput,
  asJson: boolean,
  console: Console,
  own?: OwnPart,
): Promise<TransactionResult> {
  const time = console.now().toISOString().slice(0, 19).replaceAll(/[-:]/g, '').toLowerCase()
  const id = `${request.kind}-${time}-${randomBytes(4).toString('hex')}`
  await console.agent.put(id, request)
  if (!asJson) console.print(`${id}: accepted; it goes on without this terminal`)
  return watch(id, asJson, console, own)
}

type OwnPart = (database: OpenDatabase) => Promise<RequesterReport>

async function watch(
  id: string,
  asJson: boolean,
  { agent, print }: Console,
  own?: OwnPart,
): Promise<TransactionResult> {
  for await (const event of agent.follow(id)) {
    print(asJson ? JSON.stringify(event) : eventLine(event))
    if (own && event.type === 'step' && event.step === 'open') {
      const { report, bug } = await reportOf(own(await agent.database(id)))
      await agent.report(id, report)
      if (bug !== undefined) throw bug
    }
    if (event.type === 'result') return event.result
  }
  throw new Failure('unknown', `no result of ${id} was seen: pacs-agent follow ${id}`)
}

/** An event for people: local time does not matter on a server, so UTC as the journal has it. */
export function eventLine(event: TransactionEvent): string {
  const time = event.at.slice(11, 19)
  switch (event.type) {
    case 'step':
      return `${time} ${event.step}: ${event.message}`
    case 'progress':
      return `${time}   ${event.message}`
    case 'note':
      return `${time} ${event.message}`
    case 'result':
      return `${time} ${event.result.outcome}: ${event.result.message}`
  }
}

/** The exit class of an outcome. */
export function codeOf({ outcome }: TransactionResult): number {
  return outcome === 'deployed' || outcome === 'unchanged' || outcome === 'done' ? exitClass.ok : exitClass[outcome]
}

export function pinned(operands: readonly string[]): string {
  const [release = ''] = operands
  parsePinned('release', release)
  return release
}

function whichConfig(text: string): 'its-own' | 'current' {
  if (text === 'its-own' || text === 'current') return text
  throw badInput(`--config: ${JSON.stringify(text)} is neither its-own nor current`)
}

function transactionId(operands: readonly string[]): string {
  const parsed = transactionIdSchema.safeParse(operands[0])
  if (!parsed.success) throw badInput(`${JSON.stringify(operands[0])} ${parsed.error.issues[0]?.message}`)
  return parsed.data
}

export function releaseId(text: string) {
  const parsed = releaseIdSchema.safeParse(text)
  if (!parsed.success) throw badInput(`${JSON.stringify(text)} ${parsed.error.issues[0]?.message}`)
  return parsed.data
}

function durations(values: {
  watch?: string | undefined
  hold?: string | undefined
  'keep-warm'?: string | undefined
}) {
  const { watch, hold, 'keep-warm': keepWarm } = values
  return {
    ...(watch === undefined ? {} : { watch: parseDuration('--watch', watch) }),
    ...(hold === undefined ? {} : { hold: parseDuration('--hold', hold) }),
    ...(keepWarm === undefined ? {} : { keepWarm: parseDuration('--keep-warm', keepWarm) }),
  }
}

/** Who sits at the console, as far as it says; sudo names the person behind root. */
export function actorOf({ env }: Console): string {
  return env.SUDO_USER || env.USER || env.LOGNAME || 'console'
}
