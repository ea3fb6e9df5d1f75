import { statfs } from 'node:fs/promises'
import { z } from 'zod'
import { dockerContext, hasDocker, messageOf, refused, tryRun } from '../lib/index.ts'
import { type EngineAccess, readEngine, socketOf } from './engine-socket.ts'

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
 * Checks that a build can run here: docker, an engine that answers, and `space` bytes free where it keeps its images.
 * @throws Failure `refused`, one line that says what is missing.
 */
export async function checkEngine(options: {
  env: Environment
  signal: AbortSignal
  space: number
}): Promise<BuildEngine> {
  const { env, signal, space } = options
  if (!(await hasDocker(env))) throw refused('docker could not be run here: install Docker with buildx')
  const host = await engineHost({ env, signal })
  const info = await infoOf({ host, env, signal })
  await checkSpace(info.DockerRootDir, space)
  return {
    platform: await platformOf(info, { host, env, signal }),
    host,
    namesByConfig: namesByConfig(info.DriverStatus),
  }
}

const infoSchema = z.object({
  OSType: z.string(),
  Architecture: z.string(),
  DriverStatus: z.array(z.array(z.string())).nullable(),
  DockerRootDir: z.string(),
  /** Of the client, which may end with 0 then. */
  ServerErrors: z.array(z.string()).nullish(),
})

async function infoOf({ host, env, signal }: EngineAccess): Promise<z.infer<typeof infoSchema>> {
  const socket = socketOf(host)
  if (socket !== null) {
    const said = await readEngine(socket, 'GET', '/info', { signal }).catch((thrown: unknown) => {
      signal.throwIfAborted()
      throw refused(messageOf(thrown))
    })
    return infoSchema.parse(said)
  }
  const { code, stdout, stderr } = await askDocker(['info', '--format', '{{json .}}'], { env, signal })
  const said = infoSchema.safeParse(parseJson(stdout))
  const why = said.data?.ServerErrors?.[0] ?? (code !== 0 || !said.success ? lastLine(stderr) : undefined)
  if (why !== undefined || !said.success) throw refused(`the Docker engine does not answer: ${why}`)
  return said.data
}

/** What the engine's machine calls itself, as images call it. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x86_64: 'amd64', aarch64: 'arm64' }

async function platformOf(
  { OSType, Architecture }: z.infer<typeof infoSchema>,
  { env, signal }: EngineAccess,
): Promise<string> {
  const known = ARCHITECTURES[Architecture]
  if (known !== undefined) return `${OSType}/${known}`
  return (await askDocker(['version', '--format', '{{.Server.Os}}/{{.Server.Arch}}'], { env, signal })).stdout.trim()
}

/** Every store but containerd's lists what its driver is about (`Backing Filesystem`, …); where nothing is said, nothing is assumed. */
function namesByConfig(status: readonly (readonly string[])[] | null): boolean {
  return status !== null && status.length > 0 && !status.flat().some((text) => text.includes('containerd'))
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

/**
 * Where the client finds the engine; empty for its default. A private DOCKER_CONFIG hides the context that the user chose, so its
 * endpoint is carried by DOCKER_HOST.
 */
export async function engineHost(options: { env: Environment; signal: AbortSignal }): Promise<string> {
  const { DOCKER_HOST } = options.env
  if (DOCKER_HOST) return DOCKER_HOST
  const context = await dockerContext(options.env)
  if (context === '') return ''
  const args = ['context', 'inspect', '--format', '{{.Endpoints.docker.Host}}', context]
  const { code, stdout, stderr } = await askDocker(args, options)
  if (code === 0) return stdout.trim()
  throw refused(`docker has no context ${context}: ${lastLine(stderr)}`)
}

function askDocker(args: readonly string[], { env, signal }: { env: Environment; signal: AbortSignal }) {
  return tryRun('docker', args, { env, signal, timeout: 30_000 })
}

function inGib(bytes: number): string {
  return (bytes / GIB).toFixed(1)
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? ''
}
