import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { Failure, messageOf, type Redact, refused, tryRun } from '../lib/index.ts'
import { type Digest, digestSchema } from './digest.ts'
import { classifyRegistryFailure, describeRegistryFailure, type RegistryFailure } from './registry-failure.ts'

/** How the docker client is reached, and who hears of it. */
export interface RegistryAccess {
  /** The whole environment of the client; DOCKER_CONFIG in it names the login that is used. */
  env: Readonly<Record<string, string>>
  signal: AbortSignal
  log: (line: string) => void
  redact?: Redact
  /** Waits before another try; `setTimeout` when left out. */
  pause?: (milliseconds: number) => Promise<void>
}

/** What a registry has under a reference. */
export type RegistryImage = { kind: 'manifest'; digest: Digest; config: Digest } | { kind: 'index' }

/** Pauses in milliseconds between tries; one more try than pauses. */
const PAUSES = [1000, 4000, 10_000]
/** A registry that asks for a longer pause than 60 s is not waited for. */
const LONGEST_PAUSE = 60_000

const manifestSchema = z.object({ config: z.object({ digest: digestSchema }) })
const inspectSchema = z.union([
  z.array(z.unknown()),
  z.object({
    Descriptor: z.object({ digest: digestSchema }),
    SchemaV2Manifest: manifestSchema.optional(),
    OCIManifest: manifestSchema.optional(),
  }),
])

/**
 * Asks the registry itself (never the local engine, never a mirror) what `reference` is.
 * @returns null when it has no such image, or the client calls its refusal so.
 * @throws Failure `refused` when it does not let us or is no registry, `error` when it stays away.
 */
export async function readRegistryImage(reference: string, access: RegistryAccess): Promise<RegistryImage | null> {
  // The engine takes a registry on loopback without TLS, the client wants to be told so.
  const insecure = /^(localhost|127\.[0-9.]+|\[::1\])(:\d+)?$/.test(registryHost(reference)) ? ['--insecure'] : []
  const args = ['manifest', 'inspect', '--verbose', ...insecure, reference]
  const answer = await askRegistry('read', reference, args, access)
  if (typeof answer !== 'string') return null
  const parsed = inspectSchema.safeParse(parseJson(answer))
  if (!parsed.success)
    throw refused(`${reference}: the registry's answer is no image manifest: ${answer.slice(0, 200)}`)
  if (Array.isArray(parsed.data)) return { kind: 'index' }
  const config = (parsed.data.SchemaV2Manifest ?? parsed.data.OCIManifest)?.config.digest
  if (config === undefined) throw refused(`${reference} is a manifest of a kind that names no image configuration`)
  return { kind: 'manifest', digest: parsed.data.Descriptor.digest, config }
}

/**
 * Runs a docker command that talks to a registry; passing faults (5xx, 429, cut connections) are tried again, at most four times in all.
 * @param verb for messages: "push", "pull", "read", "log in to".
 * @returns its standard output, or `absent` as a failure value when there is no such image.
 * @throws Failure `refused` or `error`, one line that says what to do.
 */
export async function askRegistry(
  verb: string,
  reference: string,
  args: readonly string[],
  access: RegistryAccess & { input?: string; onLine?: (line: string) => void },
): Promise<string | { kind: 'absent' }> {
  const { env, signal, log, redact = (text: string) => text, input, onLine } = access
  const pause = access.pause ?? ((ms: number) => sleep(ms, undefined, { signal }))
  const registry = registryHost(reference)
  const what = `${verb} ${reference}`
  for (let attempt = 0; ; attempt++) {
    const { code, stdout, stderr } = await tryRun('docker', args, {
      env,
      signal,
      ...(input === undefined ? {} : { input }),
      ...(onLine ? { onLine: (line: string) => onLine(redact(line)) } : {}),
    })
    if (code === 0) return stdout
    const failure = classifyRegistryFailure(redact(stderr || stdout))
    if (failure.kind === 'absent') return failure
    const wait = failure.kind === 'passing' ? waitBefore(attempt, failure.after) : undefined
    if (failure.kind !== 'passing' || wait === undefined) throw giveUp(registry, what, failure, attempt + 1)
    log(`${what}: ${failure.detail}; trying again in ${Math.ceil(wait / 1000)} s`)
    await pause(wait)
  }
}

/**
 * Reads `reference` back right after a push and asks for a one-platform manifest; one that is not there yet is waited for.
 * The client says "no such manifest" for many a refusal too, hence the wording.
 * @throws Failure `refused` for an index or when the registry does not give back what it took.
 */
export async function requireManifest(
  reference: string,
  access: RegistryAccess,
): Promise<RegistryImage & { kind: 'manifest' }> {
  const { signal } = access
  const pause = access.pause ?? ((ms: number) => sleep(ms, undefined, { signal }))
  for (const wait of [...PAUSES, undefined]) {
    const image = await readRegistryImage(reference, access)
    if (image?.kind === 'manifest') return image
    if (image?.kind === 'index') throw isIndex(reference)
    if (wait === undefined) break
    await pause(wait)
  }
  throw refused(
    `${reference} was pushed, but ${registryHost(reference)} does not give it back: it says that there is none, or forbids reading, or something in between answers; check the login's right to read and push again`,
  )
}

/** The refusal of an image index: it names several images, and only one of them was judged. */
export function isIndex(reference: string): Failure {
  return refused(
    `${reference} is an index of several platforms, not one image: push a one-platform manifest (build with --provenance=false --sbom=false and one platform)`,
  )
}

// Docker's rule: a first part with a dot or a port is a host, everything else lies on Docker Hub.
function registryHost(reference: string): string {
  const [first = '', ...rest] = reference.split('/')
  if (/[.:]|^localhost$/.test(first) && (rest.length > 0 || !/:[^0-9]/.test(first))) return first
  return 'docker.io'
}

function waitBefore(attempt: number, asked: number | undefined): number | undefined {
  const own = PAUSES[attempt]
  if (own === undefined || (asked !== undefined && asked > LONGEST_PAUSE)) return undefined
  return Math.max(own, asked ?? 0)
}

function giveUp(registry: string, what: string, failure: RegistryFailure, tries: number): Failure {
  const message = describeRegistryFailure(registry, what, failure)
  return ['passing', 'other', 'full-disk'].includes(failure.kind)
    ? new Failure('error', tries > 1 ? `${message} (tried ${tries} times)` : message)
    : refused(message)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (thrown) {
    return messageOf(thrown)
  }
}
