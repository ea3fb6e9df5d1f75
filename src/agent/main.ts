// pacs-agent: one file that is the daemon, its launcher, the SSH side of it, the set-up of a server and the command line.
import { realpathSync } from 'node:fs'
import { join } from 'node:path'
import { exitClass, Failure } from '../lib/index.ts'
import { bridge } from './api/ssh-bridge.ts'
import { readArgs } from './cli/command.ts'
import { runCli } from './cli/run.ts'
import { openSocket } from './client.ts'
import { daemon } from './daemon.ts'
import { launch, waitUntilReady } from './install/launch.ts'
import { layout } from './layout.ts'
import { setup } from './setup/setup.ts'

/** Milliseconds in which a new agent must be ready: well within the time for which a client looks for it (60 s). */
const READY_LIMIT = 30_000

const paths = layout()
const log = (line: string) => void process.stderr.write(`${line}\n`)

process.exitCode = await main(process.argv.slice(2))

async function main([verb, ...args]: readonly string[]): Promise<number> {
  try {
    switch (verb) {
      case 'daemon':
        readArgs(args, {})
        await daemon({ paths, script: script(), path: process.env.PATH ?? '', log, signal: endSignal() })
        // A running transaction would keep the process alive; it is the next start's to undo.
        return process.exit(exitClass.ok)
      case 'launch':
        readArgs(args, {})
        return await launch(paths.bin, log)
      case 'wait-until-ready':
        readArgs(args, {})
        await waitUntilReady({ ...paths, pid: Number(process.env.MAINPID), limit: READY_LIMIT })
        return exitClass.ok
      case 'ssh': {
        const { key = '' } = readArgs(args, { key: { type: 'string' } }).values
        await bridge({ key, sshSocket: paths.sshSocket, stdin: process.stdin, stdout: process.stdout })
        return exitClass.ok
      }
      case 'setup':
        return await setup(args, { paths, script: script(), print: (line) => void process.stdout.write(`${line}\n`) })
      default:
        return await commandLine(verb === undefined ? [] : [verb, ...args])
    }
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown
    log(`pacs-agent ${verb}: ${thrown.kind}: ${thrown.message}`)
    return thrown.exitClass
  }
}

function commandLine(args: readonly string[]): Promise<number> {
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
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => end.abort())
  return end.signal
}
