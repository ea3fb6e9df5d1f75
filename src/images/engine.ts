import { statfs } from 'node:fs/promises'
import { z } from 'zod'
import { refused, tryRun } from '../lib/index.ts'

type Environment = Readonly<Record<string, string>>

/** What a build finds on its machine. */
export interface BuildEngine {
  /** The engine's own, like `linux/amd64`. */
  platform: string
  /** Where the client of this environment finds the engine: the value for DOCKER_HOST. */
  host: string
  /** Whether the engine calls an image by the digest of its configuration; in containerd's store it is that of a manifest or index. */
  namesByConfig: boolean
}

const GIB = 1024 ** 3
/** A build of a small app with its base images takes about this much; BuildKit's errors for a full disk are obscure. */
export const BUILD_SPACE = 2 * GIB

/**
 * Checks that a build can run here: docker, an engine that answers, buildx, and `space` bytes free where the engine keeps its images.
 * @throws Failure `refused`, one line that says what is missing.
 */
export async function checkEngine(options: {
  env: Environment
  signal: AbortSignal
  space: number
}): Promise<BuildEngine> {
  const { env, signal, space } = options
  const docker = (args: readonly string[]) => askDocker(args, { env, signal })
  // A person waits for each start of the client; none needs another's answer.
  const [version, buildx, { stdout: said }, host] = await Promise.all([
    docker(['version', '--format', '{{.Server.Os}}/{{.Server.Arch}}']),
    docker(['buildx', 'version']),
    docker(['info', '--format', '{{json .DriverStatus}} {{.DockerRootDir}}']),
    engineHost({ env, signal }),
  ])
  if (version.code !== 0) throw refused(`the Docker engine does not answer: ${lastLine(version.stderr)}`)
  if (buildx.code !== 0)
    throw refused('docker buildx is missing: install the package docker-buildx (or docker-buildx-plugin)')
  const [, major = '1', minor = '0'] = /\bv?(\d+)\.(\d+)\.\d+/.exec(buildx.stdout) ?? []
  if (major === '0' && Number(minor) < 10) {
    throw refused(`docker buildx is ${major}.${minor}, too old to build without attestations: install 0.10 or newer`)
  }
  const [, status = '', root = ''] = /^(\S.*) (\/.*)$/.exec(said.trim()) ?? []
  await checkSpace(root, space)
  return { platform: version.stdout.trim(), host, namesByConfig: namesByConfig(status) }
}

const driverStatus = z.array(z.array(z.string()))

/** Every store but containerd's lists what its driver is about (`Backing Filesystem`, …); where nothing is said, nothing is assumed. */
function namesByConfig(status: string): boolean {
  const parsed = driverStatus.safeParse(parseJson(status))
  return parsed.success && parsed.data.length > 0 && !parsed.data.flat().some((text) => text.includes('containerd'))
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

async function checkSpace(root: string, space: number): Promise<void> {
  // The engine may be on another machine, or in one of Docker Desktop: then nobody here can see its disk.
  const disk = await statfs(root).catch(() => null)
  if (disk === null) return
  const free = disk.bavail * disk.bsize
  if (free < space) {
    throw refused(
      `the disk of ${root} has ${inGib(free)} GiB free and a build needs ${inGib(space)} GiB: make room (docker system prune) or use a larger runner`,
    )
  }
}

/** Where the client finds the engine. A private DOCKER_CONFIG hides the context that the user chose, so its endpoint is carried by DOCKER_HOST. */
export async function engineHost(options: { env: Environment; signal: AbortSignal }): Promise<string> {
  if (options.env.DOCKER_HOST) return options.env.DOCKER_HOST
  const context = await askDocker(['context', 'inspect', '--format', '{{.Endpoints.docker.Host}}'], options)
  return context.code === 0 ? context.stdout.trim() : ''
}

function askDocker(args: readonly string[], { env, signal }: { env: Environment; signal: AbortSignal }) {
  return tryRun('docker', args, { env, signal, timeout: 30_000 }).catch((cause: unknown) => {
    signal.throwIfAborted()
    throw refused(`docker could not be run here: install Docker with buildx (${String(cause)})`)
  })
}

function inGib(bytes: number): string {
  return (bytes / GIB).toFixed(1)
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? ''
}
