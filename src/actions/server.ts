import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type AgentClient, openAgent } from '../agent/client.ts'
import { badInput, Failure } from '../lib/index.ts'
import {
  childEnvironment,
  type Job,
  jobContext,
  leftDirectory,
  log,
  makePrivateDirectory,
  matching,
  path,
  type Reader,
  removeDirectory,
  runPost,
  secret,
} from '../runner/index.ts'
import {
  closeConnection,
  type Environment,
  environmentNameSchema,
  findEnvironment,
  normalizePrivateKey,
  openConnection,
  openTunnel,
  parseEnvironments,
  type Tunnel,
} from '../ssh/index.ts'

const environmentName = matching(environmentNameSchema)
const privateKey: Reader<string> = normalizePrivateKey

/** The inputs of every action that speaks with a server. */
export const serverInputs = {
  environment: ((name, value) => {
    if (value === '') throw badInput(`${name} is missing: name one of the environments file`)
    return environmentName(name, value)
  }) satisfies Reader<string>,
  'environments-file': path,
  'ssh-key': secret(privateKey),
}

export interface ServerInputs {
  environment: string
  'environments-file': string
  'ssh-key': string
}

export interface Server {
  environment: Environment
  agent: AgentClient
  /** Opens a tunnel to a port of the server's loopback; closed with the connection. */
  tunnel(port: number): Promise<Tunnel>
}

/** Speaks with the agent of an environment for as long as `work` takes; the connection is closed whatever happens. */
export async function withServer<T>(inputs: ServerInputs, job: Job, work: (server: Server) => Promise<T>): Promise<T> {
  const environment = await readEnvironment(inputs)
  job.report.rows.push(['environment', `${environment.name} (${environment.target.host})`])
  const directory = await makePrivateDirectory()
  const connection = await openConnection({
    target: environment.target,
    key: inputs['ssh-key'],
    directory: join(directory, 'ssh'),
    env: childEnvironment(),
    log: log.foreign,
    signal: job.signal,
  })
  const agent = openAgent(() => connection.duplex())
  const tunnels: Tunnel[] = []
  const tunnel = async (port: number) => {
    const opened = await openTunnel(connection, { port, directory })
    tunnels.push(opened)
    return opened
  }
  try {
    log.info(`connected to ${environment.target.host} with the key whose public half is ${connection.keyFingerprint}`)
    return await work({ environment, agent, tunnel })
  } finally {
    agent.close()
    for (const opened of tunnels) await opened.close()
    await connection.close()
    await removeDirectory(directory)
  }
}

/** A release of which something runs. */
export interface RunningPart {
  reference: string
  /** Whether a service of it runs. */
  runs: (service: string) => boolean
}

/**
 * What runs on a server: the release that serves and, after a rollback, that of the core, which no rollback of the app takes back.
 * @throws Failure `unhealthy` when nothing serves
 */
export async function runningParts(agent: Pick<AgentClient, 'status' | 'releases'>): Promise<RunningPart[]> {
  const { serving, core } = await agent.status()
  if (!serving) throw new Failure('unhealthy', 'nothing serves: no release was deployed to this server yet')
  const { releases } = await agent.releases()
  const reference = releases.find(({ id }) => id === serving.release)?.reference
  if (reference === undefined)
    throw new Failure('error', `${serving.release} serves, and the server does not know by which reference it came`)
  if (!core || core.release === serving.release) return [{ reference, runs: () => true }]
  const isCore = (service: string) => core.services.includes(service)
  return [
    { reference, runs: (service) => !isCore(service) },
    { reference: core.reference, runs: isCore },
  ]
}

/** The post step of every action with private files: ends and removes what a killed main step left. */
export function cleanUp(): Promise<never> {
  return runPost(async () => {
    const directory = leftDirectory()
    if (directory === undefined) return
    await closeConnection(join(directory, 'ssh'), childEnvironment())
    await removeDirectory(directory)
  })
}

/**
 * Refuses a name that the environments file does not have, before anything is said in its name.
 * A file that cannot be read, or holds a mistake, which may be in another environment, is no answer to that; {@link withServer} says it.
 * @throws Failure `bad-input` that names the known ones
 */
export async function requireKnownEnvironment(name: string, file: string): Promise<void> {
  const found = await readEnvironmentsFile(file)
  if (found === undefined) return
  let environments: Environment[]
  try {
    environments = parseEnvironments(file, found)
  } catch (thrown) {
    if (thrown instanceof Failure) return
    throw thrown
  }
  findEnvironment(file, environments, name)
}

function readEnvironmentsFile(file: string): Promise<string | undefined> {
  return readFile(resolve(jobContext().workspace, file), 'utf8').catch(() => undefined)
}

async function readEnvironment(inputs: ServerInputs): Promise<Environment> {
  const file = inputs['environments-file']
  const found = await readEnvironmentsFile(file)
  if (found === undefined) {
    throw badInput(
      `${file} cannot be read: does the job check the repository out, and is it the input environments-file?`,
    )
  }
  return findEnvironment(file, parseEnvironments(file, found), inputs.environment)
}
