// The one file of the command that speaks with a server's agent.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openAgent } from '../../agent/client.ts'
import { certificateCheck, lookOnce } from '../../health/index.ts'
import { Failure, messageOf, tryRun } from '../../lib/index.ts'
import { closeConnection, type Environment, openConnection } from '../../ssh/index.ts'
import { HOST_KEY, type Note, type Remark, remarksOf } from './remark.ts'

/** Milliseconds for ssh-keyscan. */
const SCAN_LIMIT = 15_000
/** Milliseconds for a TLS handshake. */
const HANDSHAKE_LIMIT = 10_000

export interface ServerOptions {
  /** Text of a private key that the server lets in; without it only its host key is looked at. */
  key: string | undefined
  /** Version of this package, whose agent the server should have. */
  version: string
  env: Readonly<Record<string, string>>
}

/** Looks at the server of an environment: host key, agent, what serves, and what the agent thinks of all its parts. */
export async function examineServer(environment: Environment, options: ServerOptions): Promise<Remark[]> {
  const { remarks, note } = remarksOf(`server ${environment.name}`)
  await examineHostKey(environment, options, note)
  if (options.key === undefined) {
    note('unknown', 'what its agent says: there is no key', '--ssh-key FILE: one that setup let in by --key')
    await examineCertificate(environment.publicUrl, note)
  } else {
    await examineAgent(environment, options.key, options, note)
  }
  return remarks
}

/** Looks at what the public entry shows to a browser on this machine, which may know other names and authorities than the users' do. */
async function examineCertificate(publicUrl: string, note: Note): Promise<void> {
  const look = { patience: HANDSHAKE_LIMIT }
  const { ok, degraded, detail } = await lookOnce(certificateCheck(publicUrl, undefined), look)
  const what = `the certificate of ${publicUrl}: ${detail}`
  if (ok && !degraded) return note('ok', what)
  note('warning', what, 'traefik/certificates/README.md of the stack')
}

async function examineHostKey({ target }: Environment, { env }: ServerOptions, note: Note): Promise<void> {
  if (target.jump)
    return note('unknown', 'its host key: it stands behind a jump host', '--ssh-key FILE asks through it')
  const args = ['-T', '8', '-p', String(target.port), '--', target.host]
  const { stdout } = await tryRun('ssh-keyscan', args, { env, timeout: SCAN_LIMIT }).catch(() => ({ stdout: '' }))
  const shown = stdout.split('\n').flatMap((line) => {
    const [, type, body] = line.startsWith('#') ? [] : line.trim().split(' ')
    return type && body ? [`${type} ${body}`] : []
  })
  if (shown.length === 0) {
    return note(
      'missing',
      `${target.host}:${target.port} does not answer by SSH`,
      'is it on, is port and firewall right?',
    )
  }
  if (shown.some((key) => target['host-keys'].includes(key)))
    return note('ok', `${target.host} shows a pinned host key`)
  note(
    'missing',
    `${target.host} shows none of the pinned host keys`,
    `${HOST_KEY}; if it is the same, put it into the environments file: otherwise someone stands between`,
  )
}

async function examineAgent(environment: Environment, key: string, options: ServerOptions, note: Note): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'pacs-doctor-'))
  const directory = join(folder, 'ssh')
  const { env } = options
  try {
    const connection = await openConnection({ target: environment.target, key, directory, env })
    const agent = openAgent(() => connection.duplex())
    try {
      const { agent: own, serving, last } = await agent.status()
      if (own.version === options.version) note('ok', `agent ${own.version}, engine ${own.engine}`)
      else note('warning', `its agent is ${own.version}, this is ${options.version}`, 'the next release brings its own')
      if (serving === null) note('ok', 'nothing serves yet: the first deploy may come')
      else {
        await examineHealth(() => agent.health(), serving.release, note)
        await examineCertificate(environment.publicUrl, note)
      }
      if (last?.result.outcome === 'failed')
        note('missing', `${last.transaction} failed: ${last.result.message}`, 'DEPLOYMENT_GUIDE.md')
    } finally {
      agent.close()
      await connection.close()
    }
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown
    note(
      'missing',
      `its agent cannot be asked: ${messageOf(thrown)}`,
      `pacs-deploy setup root@${environment.target.host}`,
    )
  } finally {
    await closeConnection(directory, env)
    await rm(folder, { recursive: true, force: true })
  }
}

type Health = Awaited<ReturnType<ReturnType<typeof openAgent>['health']>>

/** Says how what serves is, by the agent's own checks; none at all is no health. */
export async function examineHealth(ask: () => Promise<Health>, release: string, note: Note): Promise<void> {
  const { checks, healthy } = await ask()
  const bad = checks.filter(({ ok }) => !ok)
  for (const { name, detail, critical } of bad) {
    note(critical ? 'missing' : 'warning', `${name}: ${detail}`, 'pacs-agent health, docker logs')
  }
  if (bad.length > 0) return
  if (healthy && checks.length > 0) note('ok', `${release} serves, ${checks.length} checks are good`)
  else note('missing', `${release} serves, but its agent vouches for nothing of it`, 'pacs-agent health')
}
