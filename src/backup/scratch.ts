import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { MongoClient } from 'mongodb'
import { Failure, hasEnded, processIdentity } from '../lib/index.ts'
import { connectDatabase, type DatabaseAddress } from './database.ts'
import { askDocker, type Docker } from './docker.ts'

/** All that a verification makes carries this label with its id… */
export const VERIFY_LABEL = 'pacs.verify'
/** …and this one with its process. */
const OWNER_LABEL = 'pacs.verify.owner'

/** The labels of all that this process makes for verification `id`, as options of the engine. */
export function scratchLabels(id: string): string[] {
  return ['--label', `${VERIFY_LABEL}=${id}`, '--label', `${OWNER_LABEL}=${processIdentity() ?? ''}`]
}

export interface ScratchDatabase extends AsyncDisposable {
  client: MongoClient
  address: DatabaseAddress
  /** Why it ended; null while it runs. */
  fault(): Promise<Failure | null>
  container: string
}

const USER = 'verify'
const START_LIMIT = 120_000

/**
 * Starts an empty database of its own in a container that reaches nothing: an internal network without anybody else in it, no
 * volume, no port. Nothing expires there: the TTL monitor is off.
 * @param image what the live database runs @param memory bytes
 */
export async function startScratchDatabase(
  docker: Docker,
  id: string,
  image: string,
  memory: number,
  signal: AbortSignal,
): Promise<ScratchDatabase> {
  const name = `pacs-verify-${id}`
  const password = randomBytes(24).toString('hex')
  await askDocker(docker, ['network', 'create', '--internal', ...scratchLabels(id), name])
  try {
    await askDocker(docker, [
      ...['run', '--detach', '--name', name, ...scratchLabels(id), '--network', name, '--init'],
      ...['--memory', String(memory), '--memory-swap', String(memory), '--cpus', '1', '--pids-limit', '1024'],
      ...['--security-opt', 'no-new-privileges', '--restart', 'no', image],
      ...['mongod', '--auth', '--bind_ip_all', '--setParameter', 'ttlMonitorEnabled=false'],
    ])
    await makeUser(docker, name, password, signal)
    const format = '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}'
    const host = await askDocker(docker, ['container', 'inspect', '--format', format, name])
    const address = { host, port: 27017, username: USER, password }
    const client = await connectDatabase(address)
    const fault = () => scratchFault(docker, name, memory)
    const disposed = new AbortController()
    // Nothing answers any more for a container that was removed: a question under way would wait for a quarter of an hour.
    const watching = docker(['wait', name], { signal: disposed.signal })
      .then(async () => (await fault()) && client.close(true))
      .catch(() => undefined)
    return {
      client,
      address,
      container: name,
      fault,
      async [Symbol.asyncDispose]() {
        disposed.abort()
        await watching
        await client.close().catch(() => undefined)
        await removeScratch(docker, id)
      },
    }
  } catch (thrown) {
    await removeScratch(docker, id)
    throw thrown
  }
}

/** Why a scratch container ended; null while it runs. @param memory bytes that it may use */
export async function scratchFault(docker: Docker, container: string, memory: number): Promise<Failure | null> {
  const state = '{{.State.Running}} {{.State.OOMKilled}}'
  const { code, stdout } = await docker(['container', 'inspect', '--format', state, container])
  const [running, outOfMemory] = stdout.trim().split(' ')
  if (code === 0 && running === 'true') return null
  const why =
    outOfMemory === 'true' ? `${Math.floor(memory / 1024 ** 2)} MiB of memory were not enough` : 'it was ended'
  return new Failure('error', `the scratch database is gone (${why}): nothing was proved`)
}

/** The last lines of a container's log, in one. */
export async function saidLast(docker: Docker, container: string, before = ''): Promise<string> {
  const { stdout, stderr } = await docker(['logs', '--tail', '5', container])
  return `${before} ${stdout} ${stderr}`.trim().replaceAll(/\s+/g, ' ').slice(-400)
}

/** The first user is made from within, as MongoDB allows it where there is none. The password goes by environment. */
async function makeUser(docker: Docker, container: string, password: string, signal: AbortSignal): Promise<void> {
  const script = `db.getSiblingDB('admin').runCommand({ createUser: '${USER}', pwd: process.env.PACS_PASSWORD, roles: [{ role: 'root', db: 'admin' }] })`
  const args = ['exec', '-e', 'PACS_PASSWORD', container, 'mongosh', '--quiet', '--norc', '--host', '127.0.0.1']
  const limit = Date.now() + START_LIMIT
  for (;;) {
    const { code, stdout, stderr } = await docker([...args, '--eval', script], {
      env: { PACS_PASSWORD: password },
      signal,
    })
    if (code === 0) return
    const running = await askDocker(docker, ['container', 'inspect', '--format', '{{.State.Running}}', container])
    if (running !== 'true' || Date.now() > limit) {
      const said = await saidLast(docker, container, stderr || stdout)
      throw new Failure('error', `the scratch database does not start: ${said}`)
    }
    await sleep(250, undefined, { signal })
  }
}

/** Removes what verification `id` made; without an id, what all of them made whose process has ended. */
export async function removeScratch(docker: Docker, id?: string): Promise<void> {
  const list = async (...args: string[]) => {
    const filter = ['--filter', `label=${VERIFY_LABEL}${id === undefined ? '' : `=${id}`}`]
    const format = ['--no-trunc', '--format', `{{.ID}}\t{{.Label "${OWNER_LABEL}"}}`]
    const lines = (await askDocker(docker, [...args, ...filter, ...format])).split('\n').filter(Boolean)
    return lines.flatMap((line) => {
      const [found = '', owner = ''] = line.split('\t')
      return id === undefined && owner !== '' && !hasEnded(owner) ? [] : [found]
    })
  }
  const containers = await list('ps', '--all')
  if (containers.length > 0) await docker(['rm', '--force', '--volumes', ...containers])
  const networks = await list('network', 'ls')
  if (networks.length > 0) await docker(['network', 'rm', ...networks])
  const left = await list('ps', '--all')
  if (left.length > 0) throw new Failure('error', `scratch containers could not be removed: ${left.join(', ')}`)
}
