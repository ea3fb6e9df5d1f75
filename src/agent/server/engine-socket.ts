// Each `docker` that starts costs 20 to 40 ms of a processor, and a deploy asks dozens of times while the new release wants that
// processor to start. What is asked often, and the start itself, goes to the engine's socket without it.
import { z } from 'zod'
import { Failure, refusalOf } from '../../lib/index.ts'
import { ask } from './probe.ts'

/** Where `docker` finds the engine, since it is given neither a host nor a context. */
export const ENGINE_SOCKET = '/var/run/docker.sock'
/** Milliseconds for one answer: an engine that starts many containers lets a question about one of them wait. */
const ANSWER_LIMIT = 60_000

export const PROJECT_LABEL = 'com.docker.compose.project'
const SERVICE_LABEL = 'com.docker.compose.service'

export interface Container {
  id: string
  name: string
  running: boolean
  /** Docker's own health; `none` for an image without a health check. */
  health: 'none' | 'starting' | 'healthy' | 'unhealthy'
  exitCode: number
  /** When its main process was started last, as the engine says it. */
  startedAt: string
  /** The last run of its health check: milliseconds of the epoch at which it began, and whether it was passed. */
  lastCheck: { at: number; passed: boolean } | null
  /** An address on one of its bridge networks; null while it has none. */
  address: string | null
  networks: readonly string[]
  /** Volumes and folders of the server that it may write to. */
  writes: readonly string[]
  labels: Readonly<Record<string, string>>
  /** Compose project and service; empty for a container of another origin. */
  project: string
  service: string
}

const versionSchema = z.object({ Version: z.string() })
const listSchema = z.array(z.object({ Id: z.string() }))
const inspectSchema = z.object({
  Id: z.string(),
  Name: z.string(),
  State: z.object({
    Running: z.boolean(),
    Restarting: z.boolean().default(false),
    ExitCode: z.number(),
    StartedAt: z.string(),
    Health: z
      .object({
        Status: z.string(),
        Log: z.array(z.object({ Start: z.string(), ExitCode: z.number() })).nullish(),
      })
      .optional(),
  }),
  Mounts: z
    .array(z.object({ Name: z.string().optional(), Source: z.string().default(''), RW: z.boolean() }))
    .default([]),
  Config: z.object({ Labels: z.record(z.string(), z.string()).nullable() }),
  NetworkSettings: z.object({ Networks: z.record(z.string(), z.object({ IPAddress: z.string() })).nullable() }),
})
const healthSchema = z.enum(['none', 'starting', 'healthy', 'unhealthy']).catch('none')

/** The engine answered that it does not start a container: no process of it ran. */
export class NotStarted extends Failure {}

/** The engine at its socket. */
export interface EngineSocket {
  version(): Promise<string>
  /** All containers with a label, or with one of these names. */
  containers(by: { label: string } | { names: readonly string[] }): Promise<Container[]>
  hasImage(reference: string): Promise<boolean>
  /** Starts a container; one that runs goes on. @throws NotStarted */
  start(container: string): Promise<void>
}

/** The engine that listens at the unix socket `socketPath`. */
export function openEngineSocket(socketPath: string): EngineSocket {
  const exchange = async (method: 'GET' | 'POST', path: string) => {
    const answer = await ask({ at: { socketPath }, method, path, timeout: ANSWER_LIMIT })
    if ('error' in answer)
      throw new Failure(
        'error',
        `the container engine does not answer: ${answer.error}; does it run? systemctl status docker`,
      )
    return answer
  }
  /** @returns the answer; null where what was asked for is not there */
  const get = async (path: string): Promise<unknown> => {
    const answer = await exchange('GET', path)
    if (answer.status === 404) return null
    if (answer.status === 200) return JSON.parse(answer.body)
    throw new Failure(
      'error',
      `the container engine answers ${answer.status} to GET ${path}: ${refusalOf(answer.body)}`,
    )
  }
  const labelled = async (label: string) => {
    const filters = encodeURIComponent(JSON.stringify({ label: [label] }))
    return listSchema.parse(await get(`/containers/json?all=true&filters=${filters}`)).map((one) => one.Id)
  }

  return {
    version: async () => versionSchema.parse(await get('/version')).Version,
    async containers(by) {
      const wanted = 'label' in by ? await labelled(by.label) : by.names
      const answers = await Promise.all(wanted.map((one) => get(`/containers/${encodeURIComponent(one)}/json`)))
      // One that vanished since is no error.
      return answers.filter((answer) => answer !== null).map((answer) => containerOf(inspectSchema.parse(answer)))
    },
    async start(container) {
      const { status, body } = await exchange('POST', `/containers/${encodeURIComponent(container)}/start`)
      if (status !== 204 && status !== 304)
        throw new NotStarted('error', `${container} could not be started: ${refusalOf(body)}`)
    },
    hasImage: async (reference) => (await get(`/images/${reference}/json`)) !== null,
  }
}

/**
 * Docker calls a container unhealthy from the moment it is paused, as a backup does, until its next look after that: seconds in which
 * it would be refused as a core that is ill. Only a look that failed makes it so. One that ended and waits to be started anew counts as
 * running there, with what was seen of it before.
 */
function healthOf({ Restarting, Health }: z.infer<typeof inspectSchema>['State']): Container['health'] {
  if (Restarting) return 'starting'
  const health = healthSchema.parse(Health?.Status ?? 'none')
  return health === 'unhealthy' && Health?.Log?.at(-1)?.ExitCode === 0 ? 'healthy' : health
}

function containerOf({ Id, Name, State, Mounts, Config, NetworkSettings }: z.infer<typeof inspectSchema>): Container {
  const labels = Config.Labels ?? {}
  const check = State.Health?.Log?.at(-1)
  const networks = NetworkSettings.Networks ?? {}
  return {
    id: Id,
    name: Name.replace(/^\//, ''),
    running: State.Running,
    health: healthOf(State),
    exitCode: State.ExitCode,
    startedAt: State.StartedAt,
    lastCheck: check ? { at: Date.parse(check.Start), passed: check.ExitCode === 0 } : null,
    address: Object.values(networks).find(({ IPAddress }) => IPAddress !== '')?.IPAddress ?? null,
    networks: Object.keys(networks),
    writes: Mounts.flatMap((mount) => (mount.RW ? [mount.Name ?? mount.Source] : [])),
    labels,
    project: labels[PROJECT_LABEL] ?? '',
    service: labels[SERVICE_LABEL] ?? '',
  }
}
