// pacs-agent: one file that is the daemon, its launcher, the SSH side of it, the set-up of a server and the command line. Each of
// them is evaluated only where it is asked for, since a person, and a runner, waits for every start ("eager" keeps the bundle one file).
import { realpathSync } from 'node:fs'
import { join } from 'node:path'
import { beEndedFirst, endWithReader, exitClass, Failure } from '../lib/index.ts'
import { readArgs } from './cli/command.ts'
import { launch, waitUntilReady } from './install/launch.ts'
import { layout } from './layout.ts'

/** Milliseconds in which a new agent must be ready: well within the time for which a client looks for it (60 s). */
const READY_LIMIT = 30_000

const paths = layout()
const log = (line: string) => void process.stderr.write(`${line}\n`)

process.exitCode = await main(process.argv.slice(2))

async function main([verb, ...args]: readonly string[]): Promise<number> {
  try {
    switch (verb) {
      case 'daemon': {
        readArgs(args, {})
        const { daemon } = await import(/* webpackMode: "eager" */ './daemon.ts')
        await daemon({ paths, script: script(), path: process.env.PATH ?? '', log, signal: endSignal() })
        // A running transaction would keep the process alive; it is the next start's to undo.
        return process.exit(exitClass.ok)
      }
      case 'launch':
        readArgs(args, {})
        return await launch(paths.bin, log)
      case 'wait-until-ready':
        readArgs(args, {})
        await waitUntilReady({ ...paths, pid: Number(process.env.MAINPID), limit: READY_LIMIT })
        return exitClass.ok
      case 'ssh': {
        const { key = '' } = readArgs(args, { key: { type: 'string' } }).values
        const { bridge } = await import(/* webpackMode: "eager" */ './api/ssh-bridge.ts')
        await bridge({ key, sshSocket: paths.sshSocket, stdin: process.stdin, stdout: process.stdout })
        return exitClass.ok
      }
      case 'work': {
        readArgs(args, {})
        // The agent's own score, which it has from systemd, would have the database ended for what restic takes.
        beEndedFirst()
        const { work } = await import(/* webpackMode: "eager" */ './data/work.ts')
        await work(process.stdin, (line) => void process.stdout.write(`${JSON.stringify(line)}\n`), endSignal())
        return exitClass.ok
      }
      case 'answer-check': {
        readArgs(args, {})
        const { answerCheck } = await import(/* webpackMode: "eager" */ '../backup/index.ts')
        await answerCheck(process.stdin, printWhole)
        return process.exit(exitClass.ok)
      }
      case 'setup': {
        // A reader that has seen enough (`| head`) must not cut a change half-way.
        process.stdout.on('error', () => undefined)
        // Nor may a session that breaks off leave a log-in or a firewall that nobody has proved.
        for (const name of ['SIGHUP', 'SIGINT', 'SIGTERM'] as const) process.on(name, () => undefined)
        const { setup } = await import(/* webpackMode: "eager" */ './setup/setup.ts')
        return await setup(args, { paths, script: script(), print: (line) => void process.stdout.write(`${line}\n`) })
      }
      default:
        return await commandLine(verb === undefined ? [] : [verb, ...args])
    }
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown
    log(`pacs-agent ${verb}: ${thrown.kind}: ${thrown.message}`)
    return thrown.exitClass
  }
}

/** Resolves when `line` is out: an end of the process cuts what is still on its way. */
function printWhole(line: string): Promise<void> {
  return new Promise((resolve) => void process.stdout.write(`${line}\n`, () => resolve()))
}

async function commandLine(args: readonly string[]): Promise<number> {
  // What the agent does goes on without a reader.
  endWithReader()
  const { runCli } = await import(/* webpackMode: "eager" */ './cli/run.ts')
  const { openSocket } = await import(/* webpackMode: "eager" */ './client.ts')
  return runCli(args, {
    print: (line) => void process.stdout.write(`${line}\n`),
    warn: log,
    env: process.env,
    paths,
    agent: openSocket(paths.socket),
    now: () => new Date(),
  })
}

/** The file that runs here. */
function script(): string {
  return realpathSync(process.argv[1] ?? join(paths.bin, 'current', 'index.js'))
}

/** Aborted by what systemd and a terminal end a program with. */
function endSignal(): AbortSignal {
  const end = new AbortController()
  for (const name of ['SIGTERM', 'SIGINT'] as const)
    process.once(name, () => end.abort(new Failure('failed', `ended by ${name}`)))
  return end.signal
}
