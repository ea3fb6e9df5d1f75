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
  // One start of the client says all of it.
  const { code, stdout, stderr } = await askDocker(['info', '--format', '{{json .}}'], { env, signal })
  const said = infoSchema.safeParse(parseJson(stdout))
  // Some clients end with 0 then, and say why in what they print.
  const why = said.data?.ServerErrors[0] ?? (code !== 0 || !said.success ? lastLine(stderr) : undefined)
  if (why !== undefined || !said.success) throw refused(`the Docker engine does not answer: ${why}`)
  const { ClientInfo, DriverStatus, DockerRootDir } = said.data
  const buildx = ClientInfo.Plugins.find(({ Name }) => Name === 'buildx')
  if (!buildx) throw refused('docker buildx is missing: install the package docker-buildx (or docker-buildx-plugin)')
  const [, major = '1', minor = '0'] = /^v?(\d+)\.(\d+)\.\d+/.exec(buildx.Version) ?? []
  if (major === '0' && Number(minor) < 10) {
    throw refused(`docker buildx is ${major}.${minor}, too old to build without attestations: install 0.10 or newer`)
  }
  await checkSpace(DockerRootDir, space)
  return {
    platform: await platformOf(said.data, { env, signal }),
    host: ClientInfo.Context === 'default' ? (env.DOCKER_HOST ?? '') : await engineHost({ env, signal }),
    namesByConfig: namesByConfig(DriverStatus),
  }
}

const infoSchema = z.object({
  OSType: z.string(),
  Architecture: z.string(),
  DriverStatus: z.array(z.array(z.string())).nullable(),
  DockerRootDir: z.string(),
  ServerErrors: z
    .array(z.string())
    .nullish()
    .transform((errors) => errors ?? []),
  ClientInfo: z.object({
    Context: z.string().optional(),
    Plugins: z
      .array(z.object({ Name: z.string(), Version: z.string().default('') }))
      .nullish()
      .transform((plugins) => plugins ?? []),
  }),
})

/** What the engine's machine calls itself, as images call it. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x86_64: 'amd64', aarch64: 'arm64' }

async function platformOf(
  { OSType, Architecture }: z.infer<typeof infoSchema>,
  options: { env: Environment; signal: AbortSignal },
): Promise<string> {
  const known = ARCHITECTURES[Architecture]
  if (known !== undefined) return `${OSType}/${known}`
  return (await askDocker(['version', '--format', '{{.Server.Os}}/{{.Server.Arch}}'], options)).stdout.trim()
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
