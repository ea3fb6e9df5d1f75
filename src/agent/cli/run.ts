import { badInput, exitClass, Failure, isWrongWord } from '../../lib/index.ts'
import { setupHelp } from '../setup/options.ts'
import { AGENT_VERSION } from '../version.ts'
import { type Command, type Console, readArgs } from './command.ts'
import { logs } from './logs.ts'
import { health, releases, status } from './show.ts'
import { abort, core, deploy, follow, rollback } from './transactions.ts'

const version: Command = {
  usage: '',
  summary: 'the version of this program; status tells that of the running daemon',
  async run(args, { print }) {
    readArgs(args, {})
    print(AGENT_VERSION)
    return exitClass.ok
  },
}

/** What a person at the console can ask for. What reads stacks is evaluated only when it is asked for. */
const VERBS: Readonly<Record<string, Command | (() => Promise<Command>)>> = {
  status,
  releases,
  health,
  deploy,
  rollback,
  core,
  migrate: async () => (await import(/* webpackMode: "eager" */ './migrate.ts')).migrate,
  backups: async () => (await import(/* webpackMode: "eager" */ './backups.ts')).backups,
  backup: async () => (await import(/* webpackMode: "eager" */ './data.ts')).backup,
  verify: async () => (await import(/* webpackMode: "eager" */ './data.ts')).verify,
  restore: async () => (await import(/* webpackMode: "eager" */ './data.ts')).restore,
  abort,
  follow,
  logs,
  config: async () => (await import(/* webpackMode: "eager" */ './config.ts')).config,
  version,
}

/** Runs a verb. A failure is said in one line; what is no Failure is a bug and is thrown. @returns the exit code */
export async function runCli(args: readonly string[], console: Console): Promise<number> {
  const [verb, ...rest] = args
  const command = verb === undefined ? undefined : await commandOf(verb)
  if (verb === undefined || verb === '--help' || verb === 'help') {
    for (const line of await help()) console.print(line)
    return verb === undefined ? exitClass['bad-input'] : exitClass.ok
  }
  if (command === undefined) {
    console.warn(`pacs-agent: there is no ${JSON.stringify(verb)} (pacs-agent --help)`)
    return exitClass['bad-input']
  }
  try {
    if (!rest.includes('--help')) return await command.run(rest, console)
    if (isWrongWord([command.usage], rest[0])) throw badInput(`what is ${JSON.stringify(rest[0])}?`)
    console.print(`pacs-agent ${verb} ${command.usage}`.trimEnd())
    console.print(command.summary)
    return exitClass.ok
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown
    const usage = thrown.kind === 'bad-input' ? ` (pacs-agent ${verb} --help)` : ''
    console.warn(`pacs-agent: ${thrown.kind}: ${thrown.message}${usage}`)
    return thrown.exitClass
  } finally {
    console.agent.close()
  }
}

async function commandOf(verb: string): Promise<Command | undefined> {
  const entry = Object.hasOwn(VERBS, verb) ? VERBS[verb] : undefined
  return typeof entry === 'function' ? entry() : entry
}

async function help(): Promise<string[]> {
  const verbs = await Promise.all(
    Object.keys(VERBS).map(async (name) => [name, (await commandOf(name))?.summary] as const),
  )
  return [
    'pacs-agent <verb> …: what happens on this server, and what is to happen. Transactions run in the daemon, not here.',
    // Done by this program itself, without the daemon.
    ...[...verbs, ['setup', setupHelp.summary] as const].map(([name, summary]) => `  ${name.padEnd(9)} ${summary}`),
    'Exit codes: 0 well, 10 refused, 11 unhealthy, 20 rolled-back, 21 failed, 22 error, 30 locked, 40 bad input, 50 unreachable, 60 unknown.',
  ]
}
