// A server as a team has it after the guide: set up by setup-production.sh, its configuration written by a person.
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { type AgentStatus, statusSchema } from '../../src/agent/protocol.ts'
import type { RunResult } from '../../src/lib/index.ts'
import { ensureRestic, type Lab, type Machine } from '../lab/index.ts'
import { makeSecrets, type ServerSecrets } from './make-secrets.ts'

export type { ServerSecrets }

/** The top of this repository. */
export const repositoryRoot = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/** What a person lays down beside `.env`: path below `config/next` → content. */
export interface SiteConfig {
  env: Readonly<Record<string, string>>
  files: Readonly<Record<string, string>>
}

/** Nights come at any time in a test: what the server does by itself then is asked for where it is proved. */
const TIMERS = ['pacs-backup.timer', 'pacs-verify.timer']

/** Runs setup-production.sh with the committed agent and the locked Node, and lets `publicKey` in under the name `deploy`. */
export async function setUp(server: Machine, publicKey: string): Promise<string> {
  const scripts = join(repositoryRoot, 'deployment', 'production', 'scripts')
  await Promise.all([
    server.copyIn(join(scripts, 'setup-production.sh'), '/root/setup/setup-production.sh', 0o755),
    server.copyIn(join(repositoryRoot, 'dist', 'agent', 'index.js'), '/root/setup/agent.js'),
    server.copyIn(process.execPath, '/root/setup/node', 0o755),
    server.copyIn(await ensureRestic(), '/root/setup/restic', 0o755),
  ])
  const said = await server.run([
    '/root/setup/setup-production.sh',
    ...['--agent', '/root/setup/agent.js', '--node', '/root/setup/node', '--restic', '/root/setup/restic'],
    ...['--key', `deploy=${publicKey}`, '--without', 'hardening'],
  ])
  await server.run(['systemctl', 'disable', '--now', ...TIMERS])
  return said
}

/** The configuration of the shipped stack on a lab's server, with a certificate of the lab's authority. */
export async function productionConfig(lab: Lab, server: Machine): Promise<SiteConfig & { secrets: ServerSecrets }> {
  const { certificate, key } = lab.files.authority.issued(server.hostname)
  const secrets = await makeSecrets()
  return {
    secrets: secrets.values,
    env: {
      PACS_PUBLIC_HOST: server.hostname,
      DICOM_MODALITIES: '{"ct1":["CT1","10.0.0.5",104]}',
    },
    files: {
      ...secrets.files,
      'certs/tls.crt': await readFile(certificate, 'utf8'),
      'certs/tls.key': await readFile(key, 'utf8'),
    },
  }
}

/** Writes `config/next` as the user `pacs`, as a person at the console does. */
export async function configure(server: Machine, config: SiteConfig): Promise<void> {
  const env = Object.entries(config.env).map(([name, value]) => `${name}='${value}'\n`)
  const lines = Object.entries({ ...config.files, '.env': env.join('') }).map(
    ([path, content]) => `${path} ${Buffer.from(content).toString('base64')}\n`,
  )
  await server.run(['sh', '-c', WRITE_FILES], {
    user: 'pacs',
    cwd: '/opt/pacs',
    input: lines.join(''),
  })
}

/** Reads a line for each file: its path and its content. */
const WRITE_FILES = `set -e
umask 077
mkdir -p config/next
cd config/next
while read -r path content; do
  mkdir -p "$(dirname "$path")"
  rm -f "$path"
  printf %s "$content" | base64 -d >"$path"
done`

/** Runs `pacs-agent` at the server's console as root. */
export function agent(server: Machine, args: readonly string[]): Promise<RunResult> {
  return server.exec(['pacs-agent', ...args])
}

/** What the agent says of itself. */
export async function statusOf(server: Machine): Promise<AgentStatus> {
  const { stdout, stderr, code } = await agent(server, ['status', '--json'])
  if (code !== 0) throw new Error(`pacs-agent status ended with ${code}: ${stderr}`)
  return statusSchema.parse(JSON.parse(stdout))
}

/** The `result` line of a verb that was run with --json. */
export function resultOf({ stdout, stderr }: RunResult): { outcome: string; message: string } {
  const last = stdout.trim().split('\n').at(-1) ?? ''
  const parsed = z.object({ result: z.object({ outcome: z.string(), message: z.string() }) }).safeParse(parse(last))
  if (!parsed.success) throw new Error(`no result in: ${stdout}\n${stderr}`)
  return parsed.data.result
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
