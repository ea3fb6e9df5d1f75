// `pacs-deploy`: what a team asks for in its checkout. Only setup and doctor speak with anything outside, and only they load what can.
import { realpathSync } from 'node:fs'
import { dirname } from 'node:path'
import { badInput, endWithReader, exitClass, Failure, isWrongWord } from '../lib/index.ts'
import type { Console } from './console.ts'
import { migrationsCommand } from './migrations.ts'
import { stackCommand } from './stack.ts'

const USAGE = [
  'init [--diff] [--reference-app] [--directory PATH] [--json]',
  'setup USER@HOST [--port N] [--host-key KEY] [--identity FILE] [--ssh-config FILE] [what setup-production.sh takes …]',
  'doctor [--environment NAME] [--ssh-key FILE] [--repository OWNER/NAME] [--offline] [--directory PATH] [--json]',
  'stack check [--compose-file PATH] [--json]',
  'migrations new NAME [--phase expand|data|contract] [--folder PATH]',
  'migrations lock [--folder PATH]',
  'migrations lint [--folder PATH] [--since COMMIT] [--json]',
]

const subjectOf = (line: string) => line.split(' ', 1).join()
const COMMANDS = [...new Set(USAGE.map(subjectOf))]

const linesOf = (subject: string) => USAGE.filter((line) => subjectOf(line) === subject)

/** The lines about one command, or all. */
function usage(command?: string): string {
  const about = command === undefined ? USAGE : linesOf(command)
  return `usage: ${about.map((line) => `pacs-deploy ${line}`).join('\n       ')}`
}

/** Runs what the process was called with; its exit code is the class of the outcome (docs/outcomes.md). */
export async function main(): Promise<void> {
  const print = (line: string) => void process.stdout.write(`${line}\n`)
  const aside = (line: string) => void process.stderr.write(`${line}\n`)
  endWithReader()
  // dist/cli/index.js of the package, however it was called.
  const root = dirname(dirname(dirname(realpathSync(process.argv[1] ?? ''))))
  process.exitCode = await runCommand(process.argv.slice(2), { print, aside, root, env: process.env }).catch(
    (thrown: unknown) => {
      if (!(thrown instanceof Failure)) throw thrown
      process.stderr.write(`pacs-deploy: ${thrown.kind}: ${thrown.message}\n`)
      return thrown.exitClass
    },
  )
}

/** @returns the class of the outcome. @throws Failure for what a person mends. */
export async function runCommand([subject, ...args]: readonly string[], console: Console): Promise<number> {
  if (subject !== undefined && COMMANDS.includes(subject) && args.includes('--help')) {
    const next = linesOf(subject).map((line) => line.slice(subject.length + 1))
    if (isWrongWord(next, args[0])) throw badInput(`what is "${args[0]}"? (pacs-deploy ${subject} --help)`)
    console.print(usage(subject))
    return exitClass.ok
  }
  switch (subject) {
    case 'init':
      return (await import(/* webpackMode: "eager" */ './init.ts')).initCommand(args, console)
    case 'setup':
      return (await import(/* webpackMode: "eager" */ './set-up.ts')).setUpCommand(args, console)
    case 'doctor':
      return (await import(/* webpackMode: "eager" */ './doctor/doctor.ts')).doctorCommand(args, console)
    case 'stack':
      return stackCommand(args, console)
    case 'migrations':
      return migrationsCommand(args, console)
    case undefined:
    case 'help':
    case '--help':
      console.print(usage())
      return exitClass.ok
    default:
      throw badInput(`there is no command "${subject}"; there are ${COMMANDS.join(', ')} (pacs-deploy --help)`)
  }
}
