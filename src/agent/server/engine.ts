import { randomBytes } from 'node:crypto'
import { readFile, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { Failure, refused, run, tryRun } from '../../lib/index.ts'
import { askRegistry } from '../../release/index.ts'
import type { ComposeCommand } from './compose-command.ts'

/** The label that names a container's instance. */
export const INSTANCE_LABEL = 'pacs.instance'
const PROJECT_LABEL = 'com.docker.compose.project'
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
  labels: Readonly<Record<string, string>>
  /** Compose project and service; empty for a container of another origin. */
  project: string
  service: string
}

/** A Compose project as the agent writes it: a rendered file, and the values that its variables take. */
export interface Project {
  name: string
  file: string
  directory: string
  env: Readonly<Record<string, string>>
}

/** The container engine, by its own command line. */
export interface Engine {
  version(): Promise<string>
  /** Pulls an image by digest, unless it is here. */
  pull(reference: string, signal: AbortSignal): Promise<void>
  has(reference: string): Promise<boolean>
  /** Lets Compose check a rendered project with its real values. */
  check(project: Project): Promise<void>
  /** The project with its variables replaced, as JSON text. */
  resolve(project: Project): Promise<string>
  /** Creates networks, volumes and containers of (some services of) a project, starting none. */
  create(project: Project, services?: readonly string[]): Promise<void>
  start(containers: readonly string[]): Promise<void>
  /** Sends a signal to the main process of a container. */
  signal(container: string, signal: string): Promise<void>
  /** A file as a container's own processes see it (as text, without a last line break); null when they see none. */
  readInside(container: string, path: string): Promise<string | null>
  /** All containers with a label, or with one of these names. */
  containers(by: { label: string } | { names: readonly string[] }): Promise<Container[]>
  /** Stops containers, each within `grace` seconds or within its own grace period, and removes them with their anonymous volumes. */
  remove(containers: readonly string[], grace?: number): Promise<void>
  /** Removes the networks of a project that has no containers left. */
  removeNetworks(project: string): Promise<void>
  /** Removes images of these references that no container uses. */
  removeImages(references: readonly string[]): Promise<void>
  /** Bytes free where the engine keeps its images. */
  freeDisk(): Promise<number>
}

const inspectSchema = z.array(
  z.object({
    Id: z.string(),
    Name: z.string(),
    State: z.object({
      Running: z.boolean(),
      ExitCode: z.number(),
      StartedAt: z.string(),
      Health: z
        .object({
          Status: z.string(),
          Log: z.array(z.object({ Start: z.string(), ExitCode: z.number() })).nullish(),
        })
        .optional(),
    }),
    Config: z.object({ Labels: z.record(z.string(), z.string()).nullable() }),
    NetworkSettings: z.object({ Networks: z.record(z.string(), z.object({ IPAddress: z.string() })).nullable() }),
  }),
)
const healthSchema = z.enum(['none', 'starting', 'healthy', 'unhealthy']).catch('none')

/** The engine behind `docker`; `dockerConfig` is the private directory whose logins it uses. */
export function openEngine(
  dockerConfig: string,
  path: string,
  log: (line: string) => void,
  [program, ...first]: ComposeCommand = ['docker', 'compose'],
): Engine {
  const env = { PATH: path, HOME: dockerConfig, DOCKER_CONFIG: dockerConfig }
  const docker = (args: readonly string[]) => run('docker', args, { env })
  const compose = (project: Project, args: readonly string[]) =>
    run(
      program,
      // An env file would expand `$` in values, so the values come by the environment alone.
      [
        ...first,
        '--env-file',
        '/dev/null',
        '-p',
        project.name,
        '-f',
        project.file,
        '--project-directory',
        project.directory,
        ...args,
      ],
      { env: { ...project.env, ...env } },
    )
  let imageRoot: string | null = null
  const ids = async (label: string) =>
    (await docker(['ps', '-aq', '--no-trunc', '--filter', `label=${label}`])).split('\n').filter(Boolean)

  return {
    async version() {
      return (await docker(['version', '--format', '{{.Server.Version}}'])).trim()
    },
    async has(reference) {
      return (await tryRun('docker', ['image', 'inspect', '--format', 'here', reference], { env })).code === 0
    },
    async pull(reference, signal) {
      if (await this.has(reference)) return
      const pulled = await askRegistry('pull', reference, ['pull', '--quiet', reference], { env, signal, log })
      if (typeof pulled !== 'string')
        throw refused(`${reference}: the registry no longer has this image: push the release again`)
    },
    async check(project) {
      await compose(project, ['config', '--quiet'])
    },
    resolve: (project) => compose(project, ['config', '--format', 'json']),
    async create(project, services = []) {
      await compose(project, ['create', '--no-build', '--pull', 'never', ...services])
    },
    async start(containers) {
      await Promise.all(containers.map((container) => docker(['start', container])))
    },
    async signal(container, signal) {
      await docker(['kill', '--signal', signal, container])
    },
    async readInside(container, path) {
      const { code, stdout } = await tryRun('docker', ['exec', container, 'cat', '--', path], { env })
      if (code === 0) return stdout
      if (code !== 126 && code !== 127) return null
      // An image without `cat`: the engine itself looks through the container's mounts.
      const copy = join(dockerConfig, `seen-${randomBytes(6).toString('hex')}`)
      const copied = await tryRun('docker', ['cp', '--follow-link', `${container}:${path}`, copy], { env })
      const text = copied.code === 0 ? await readFile(copy, 'utf8') : null
      await rm(copy, { force: true })
      return text?.replace(/\n$/, '') ?? null
    },
    async containers(by) {
      const wanted = 'label' in by ? await ids(by.label) : by.names
      if (wanted.length === 0) return []
      // A container that vanished since is no error: what is found is printed all the same.
      const { stdout } = await tryRun('docker', ['container', 'inspect', ...wanted], { env })
      return inspectSchema.parse(JSON.parse(stdout || '[]')).map((one) => {
        const labels = one.Config.Labels ?? {}
        const check = one.State.Health?.Log?.at(-1)
        const networks = Object.values(one.NetworkSettings.Networks ?? {})
        return {
          id: one.Id,
          name: one.Name.replace(/^\//, ''),
          running: one.State.Running,
          health: healthSchema.parse(one.State.Health?.Status ?? 'none'),
          exitCode: one.State.ExitCode,
          startedAt: one.State.StartedAt,
          lastCheck: check ? { at: Date.parse(check.Start), passed: check.ExitCode === 0 } : null,
          address: networks.map((network) => network.IPAddress).find((address) => address !== '') ?? null,
          labels,
          project: labels[PROJECT_LABEL] ?? '',
          service: labels[SERVICE_LABEL] ?? '',
        }
      })
    },
    async remove(containers, grace) {
      if (containers.length === 0) return
      const limit = grace === undefined ? [] : ['--time', String(Math.ceil(grace))]
      await Promise.all(containers.map((container) => tryRun('docker', ['stop', ...limit, container], { env })))
      const removed = await tryRun('docker', ['rm', '--force', '--volumes', ...containers], { env })
      const left = removed.stderr.split('\n').filter((line) => line !== '' && !line.includes('No such container'))
      if (left.length > 0) throw new Failure('error', `containers could not be removed: ${left.join('; ')}`)
    },
    async removeNetworks(project) {
      const found = (await docker(['network', 'ls', '-q', '--filter', `label=${PROJECT_LABEL}=${project}`]))
        .split('\n')
        .filter(Boolean)
      if (found.length > 0) await docker(['network', 'rm', ...found])
    },
    async removeImages(references) {
      // An image that a container still uses stays; it is asked for again at the next prune.
      for (const reference of references) await tryRun('docker', ['image', 'rm', reference], { env })
    },
    async freeDisk() {
      // `docker info` takes the engine longer than any other question, and where its images lie needs a restart of it to change.
      imageRoot ??= (await docker(['info', '--format', '{{.DockerRootDir}}'])).trim()
      const { bavail, bsize } = await statfs(imageRoot)
      return bavail * bsize
    },
  }
}
