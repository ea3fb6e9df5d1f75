import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Job, type StepOptions, type StepResult } from '../../runner/index.ts'
import { type ListeningDaemon, listeningDaemon } from '../agent/daemon-fixture.ts'
import { ED25519 } from '../ssh/keys.ts'

/**
 * A server as an action sees it: the agent's real API, reached by a program called `ssh` that needs no sshd. (The real one is
 * in test/integration/ssh.test.ts.)
 */
export interface Server extends AsyncDisposable {
  daemon: ListeningDaemon
  job: Job
  /** Runs an action from source against this server. */
  run(name: string, inputs?: Record<string, string>, more?: Partial<StepOptions>): Promise<StepResult>
  /** Lets the tunnel end at this port of the loopback; until then every connection through it is refused. */
  database(port: number): Promise<void>
  /** Makes ssh say `text` and end with 255 instead of connecting. */
  refuse(text: string): Promise<void>
  /** Takes the agent away: the remote command is not found. */
  withoutAgent(): Promise<void>
  /** Ends the agent's daemon as seen from here: its end of the session is there and finds nobody. */
  withDeadAgent(): Promise<void>
  /** The command lines of ssh so far. */
  argv(): Promise<string>
}

export async function startServer(key: string, publicUrl = 'https://staging.example.org/'): Promise<Server> {
  const daemon = await listeningDaemon()
  const job = await Job.create()
  const bin = await mkdtemp(join(tmpdir(), 'pacs-ssh-'))
  await mkdir(join(bin, 'bin'))
  const ssh = join(bin, 'bin', 'ssh')
  const script = (session: string) => `#!/bin/sh
printf '%s\\n' "$*" >>${bin}/argv
case " $* " in
*' -O exit '*) kill "$(cat master.pid)" ;;
*' -N '*)
  [ -f ${bin}/refuse ] && { cat ${bin}/refuse >&2; exit 255; }
  echo $$ >master.pid
  echo >control
  exec sleep 600 ;;
*' -W '*)
  [ -f ${bin}/database ] || { echo 'stdio forwarding failed' >&2; exit 255; }
  exec ${process.execPath} ${bin}/bridge.mjs "$(cat ${bin}/database)" ;;
*) ${session} ;;
esac
`
  await writeFile(
    join(bin, 'bridge.mjs'),
    `import { connect } from 'node:net'
const [port] = process.argv.slice(2)
const end = port ? { port: Number(port) } : { path: ${JSON.stringify(daemon.socket)} }
const socket = connect({ ...end, allowHalfOpen: true })
process.stdin.pipe(socket)
socket.pipe(process.stdout)
socket.on('close', () => process.exit(0))
socket.on('error', () => process.exit(255))
`,
  )
  await writeFile(ssh, script(`exec ${process.execPath} ${bin}/bridge.mjs`))
  await chmod(ssh, 0o755)
  const environments = `staging:
  host: staging.example.org
  user: pacs
  host-keys: ['${ED25519}']
  public-url: ${publicUrl}
`
  return {
    daemon,
    job,
    run: (name, inputs = {}, more = {}) =>
      job.run({
        action: `actions/${name}`,
        with: { environment: 'staging', 'ssh-key': key, ...inputs },
        secrets: [key],
        ...more,
        env: { PATH: `${join(bin, 'bin')}:${process.env.PATH}`, ...more.env },
        files: { 'deployment/environments.yml': environments, ...more.files },
      }),
    database: (port) => writeFile(join(bin, 'database'), String(port)),
    refuse: (text) => writeFile(join(bin, 'refuse'), text),
    withoutAgent: () => writeFile(ssh, script("echo 'bash: line 1: pacs-agent: command not found' >&2; exit 127")),
    withDeadAgent: () => writeFile(ssh, script("echo 'pacs-agent ssh: unreachable: does it run?' >&2; exit 50")),
    argv: () => readFile(join(bin, 'argv'), 'utf8'),
    async [Symbol.asyncDispose]() {
      await daemon[Symbol.asyncDispose]()
      await job[Symbol.asyncDispose]()
      await rm(bin, { recursive: true, force: true })
    },
  }
}
