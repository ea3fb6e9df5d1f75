import { randomBytes } from 'node:crypto'
import { readFile, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type Command, Failure, refused, run, tryRun } from '../../lib/index.ts'
import { askRegistry } from '../../release/index.ts'
import { type Container, ENGINE_SOCKET, openEngineSocket, PROJECT_LABEL } from './engine-socket.ts'

export { type Container, NotStarted } from './engine-socket.ts'

/** The label that names a container's instance. */
export const INSTANCE_LABEL = 'pacs.instance'

/** The label of the containers of core services. */
export const CORE_LABEL = `${PROJECT_LABEL}=pacs`

/** Milliseconds that a removal which another one has begun may take from then on. */
const REMOVAL_LIMIT = 60_000

/** A Compose project as the agent writes it: a rendered file, and the values that its variables take. */
export interface Project {
  name: string
  file: string
  directory: string
  env: Readonly<Record<string, string>>
}

/** The container engine: by its own command line, and where a deploy waits for it by its socket. */
export interface Engine {
  /** @throws Failure `error` when the engine does not answer. */
  version(): Promise<string>
  /** Null where Compose is missing or does not answer. */
  composeVersion(): Promise<string | null>
  /** Pulls an image by digest, unless it is here. */
  pull(reference: string, signal: AbortSignal): Promise<void>
  has(reference: string): Promise<boolean>
  /** The project with its variables replaced, as JSON text. */
  resolve(project: Project): Promise<string>
  /** Creates networks, volumes and containers of (some services of) a project, starting none. */
  create(project: Project, services?: readonly string[]): Promise<void>
  /** @throws NotStarted when the engine refuses one */
  start(containers: readonly string[]): Promise<void>
  /** Sends a signal to the main process of a container. */
  signal(container: string, signal: string): Promise<void>
  /** A file as a container's own processes see it (as text, without a last line break); null when they see none. */
  readInside(container: string, path: string): Promise<string | null>
  hasVolume(volume: string): Promise<boolean>
  /** What lies in the volume of an archive, as a container of `image` sees it. */
  archiveIn(volume: string, image: string): Promise<{ images: boolean; sqlite: string | null }>
  /** All containers with a label, or with one of these names. */
  containers(by: { label: string } | { names: readonly string[] }): Promise<Container[]>
  /** Stops containers, each within `grace` seconds or within its own grace period, and removes them with their anonymous volumes. */
  remove(containers: readonly string[], grace?: number): Promise<void>
  /** The networks of instances, each with its Compose project. */
  networks(): Promise<{ project: string; instance: string }[]>
  /** Removes the networks of a project that has no containers left. */
  removeNetworks(project: string): Promise<void>
  /** Removes images of these references that no container uses. */
  removeImages(references: readonly string[]): Promise<void>
  /** Bytes free where the engine keeps its images. */
  freeDisk(): Promise<number>
}

/** Says where an index of SQLite lies, and one image: Orthanc keeps files two folders deep, at the top or in `db`, which fits as well. */
const LOOK = `cd /archive
for storage in db .; do if [ -e "$storage/index" ]; then echo "index $storage/index"; fi; done
find . -path './[0-9a-f][0-9a-f]/[0-9a-f][0-9a-f]/*' -type f -exec echo image {} ';' -quit`

/** The engine behind `docker` and `socket`, which is where `docker` finds it too; `dockerConfig` is the private directory whose logins it uses. */
export function openEngine(
  dockerConfig: string,
  path: string,
  log: (line: string) => void,
  [program, ...first]: Command = ['docker', 'compose'],
  socket = ENGINE_SOCKET,
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
  const direct = openEngineSocket(socket)
  let imageRoot: string | null = null

  return {
    version: direct.version,
    async composeVersion() {
      const said = await tryRun(program, [...first, 'version', '--short'], { env }).catch(() => null)
      return said?.code === 0 ? said.stdout.trim() : null
    },
    has: direct.hasImage,
    async pull(reference, signal) {
      if (await this.has(reference)) return
      const pulled = await askRegistry('pull', reference, ['pull', '--quiet', reference], { env, signal, log })
      if (typeof pulled !== 'string')
        throw refused(`${reference}: the registry no longer has this image: push the release again`)
    },
    resolve: (project) => compose(project, ['config', '--format', 'json']),
    async create(project, services = []) {
      await compose(project, ['create', '--no-build', '--pull', 'never', ...services])
    },
    async start(containers) {
      await Promise.all(containers.map(direct.start))
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
    async hasVolume(volume) {
      const { code, stderr } = await tryRun('docker', ['volume', 'inspect', volume], { env })
      if (code !== 0 && !/no such volume/i.test(stderr))
        throw new Failure('error', `docker volume inspect ended with ${code}: ${stderr.trim().split('\n')[0]}`)
      return code === 0
    },
    async archiveIn(volume, image) {
      const said = await docker([
        ...['run', '--rm', '--network', 'none', '--read-only', '--user', '0:0', '--security-opt', 'no-new-privileges'],
        // Whoever owns what lies there.
        ...['--cap-drop', 'ALL', '--cap-add', 'DAC_OVERRIDE', '--entrypoint', 'sh'],
        ...['--mount', `type=volume,src=${volume},dst=/archive,readonly`, image, '-ec', LOOK],
      ])
      const sqlite = /^index (?:\.\/)?(.+)$/m.exec(said)?.[1] ?? null
      return { images: /^image /m.test(said), sqlite }
    },
    containers: direct.containers,
    async remove(containers, grace) {
      if (containers.length === 0) return
      const limit = grace === undefined ? [] : ['--time', String(Math.ceil(grace))]
      await Promise.all(containers.map((container) => tryRun('docker', ['stop', ...limit, container], { env })))
      const removed = await tryRun('docker', ['rm', '--force', '--volumes', ...containers], { env })
      const lines = removed.stderr.split('\n').filter((line) => line !== '' && !line.includes('No such container'))
      const left = lines.filter((line) => !line.includes('is already in progress'))
      if (left.length > 0) throw new Failure('error', `containers could not be removed: ${left.join('; ')}`)
      if (lines.length === 0) return
      // The sweep and a transaction may meet at the same ones; their names are free once they are gone.
      const until = Date.now() + REMOVAL_LIMIT
      while ((await direct.containers({ names: containers })).length > 0) {
        if (Date.now() > until) throw new Failure('error', `containers could not be removed: ${lines.join('; ')}`)
        await delay(100)
      }
    },
    async networks() {
      const format = `{{.Label "${PROJECT_LABEL}"}} {{.Label "${INSTANCE_LABEL}"}}`
      const said = await docker(['network', 'ls', '--filter', `label=${INSTANCE_LABEL}`, '--format', format])
      return [...said.matchAll(/^(\S+) (\S+)$/gm)].map(([, project = '', instance = '']) => ({ project, instance }))
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
