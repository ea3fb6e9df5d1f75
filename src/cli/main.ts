// `pacs-deploy`: what a team asks for in its checkout, without a server or a job.
import { exitClass, Failure } from '../lib/index.ts'
import type { Console } from './console.ts'
import { migrationsCommand } from './migrations.ts'
import { stackCommand } from './stack.ts'

const USAGE = `usage: pacs-deploy stack check [--compose-file PATH] [--json]
       pacs-deploy migrations new NAME [--phase expand|data|contract] [--folder PATH]
       pacs-deploy migrations lock [--folder PATH]
       pacs-deploy migrations lint [--folder PATH] [--json]`

/** Runs what the process was called with; its exit code is the class of the outcome (docs/outcomes.md). */
export async function main(): Promise<void> {
  const print = (line: string) => void process.stdout.write(`${line}\n`)
  process.exitCode = await runCommand(process.argv.slice(2), { print }).catch((thrown: unknown) => {
    if (!(thrown instanceof Failure)) throw thrown
    process.stderr.write(`pacs-deploy: ${thrown.kind}: ${thrown.message}\n`)
    return thrown.exitClass
  })
}

/** @returns the class of the outcome. @throws Failure for what a person mends. */
export async function runCommand([subject, ...args]: readonly string[], console: Console): Promise<number> {
  switch (subject) {
    case 'stack':
      return stackCommand(args, console)
    case 'migrations':
      return migrationsCommand(args, console)
    case undefined:
    case 'help':
    case '--help':
      console.print(USAGE)
      return exitClass.ok
    default:
      throw new Failure('bad-input', `there is no command "${subject}"\n${USAGE}`)
  }
}
