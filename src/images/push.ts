import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Problems, refused, sideBySide } from '../lib/index.ts'
import {
  askRegistry,
  canonicalJson,
  formatPinned,
  listStackFiles,
  parsePinned,
  type RegistryAccess,
  type ReleaseImage,
  type ReleaseManifest,
  releaseId,
  releaseManifestSchema,
  repositorySchema,
  sha256,
  stackHash,
} from '../release/index.ts'
import { buildReleaseImage } from './build-release.ts'
import { checkCheckout } from './checkout.ts'
import type { Draft, DraftImage } from './draft.ts'
import { checkEngine, engineHost } from './engine.ts'
import type { EngineAccess } from './engine-socket.ts'
import { type EvidenceByService, requireEvidence } from './evidence.ts'
import { lastReleaseTag, readLastManifest } from './last-release.ts'
import { tagImage, untagImage } from './local-image.ts'
import { type Log, withProgress } from './progress.ts'
import {
  contentTag,
  findPushed,
  LOOKS_AT_A_TIME,
  lookUp,
  type PushedImage,
  refuseMoved,
  uploadImage,
} from './push-image.ts'
import { type RegistryLogin, withLogin } from './registry-login.ts'
import { type LastManifest, recallRelease, rememberRelease } from './remembered-release.ts'

export interface PushOptions {
  draft: Draft
  /** What the draft's verdicts rest on. */
  evidence: EvidenceByService
  /** The checkout that the draft was built from. */
  directory: string
  /** The folder with the Compose file and what belongs to it. */
  stackDirectory: string
  /** What the stack's folder of migrations holds. */
  migrations: ReleaseManifest['migrations']
  /** `ghcr.io/org/pacs`: images become `<prefix>/<service>`, the release `<prefix>/release`. */
  prefix: string
  agentFile: string
  /** Asked where nobody remembers what the same bytes said. */
  agentVersion: () => Promise<string>
  /** Who releases. */
  actor: string
  /** The source repository, like `org/pacs`. */
  repository: string
  /** URL of the workflow run; may be empty. */
  run: string
  created: Date
  /** Left out: the logins of the docker client as it is. */
  registry?: RegistryLogin
  /** A directory of this user alone, where a release is remembered: then the same push again does not read it. */
  cache: string
  /** A private directory for the login; made with mode 0700. */
  dockerConfigDirectory: string
  /** The whole environment of docker and git. */
  env: Readonly<Record<string, string>>
  log: Log
  signal: AbortSignal
  /** Waits before another try; `setTimeout` when left out. */
  pause?: (milliseconds: number) => Promise<void>
}

export interface PushResult {
  /** The release by digest: the one value that travels. */
  release: string
  manifest: ReleaseManifest
  /** Services (and `release`) whose image went up, and those that the registry had. */
  uploaded: string[]
  known: string[]
}

/** Uploads that run at a time. */
const AT_A_TIME = 2
/** Bytes for the release image, which holds text files and the agent. */
const RELEASE_SPACE = 64 * 1024 ** 2

/**
 * Pushes every image of a draft and, last, the release image that names them by digest.
 * @throws Failure `bad-input` or `refused`, or `error` when the registry stays away; nothing changed on a server.
 */
export async function pushRelease(options: PushOptions): Promise<PushResult> {
  const { draft, evidence, prefix, env, log, signal } = options
  requireEvidence(draft.images, evidence)
  const remembered = await recallRelease(options.cache, prefix)
  const { stack, agent } = await checkParts(options, remembered)
  const host = await engineHost(options)
  const login = { ...options, directory: options.dockerConfigDirectory, host }
  return withLogin(options.registry, login, async (registry) => {
    const access = { ...registry, host }
    const uploaded: string[] = []
    const known: string[] = []
    const look = (service: string, image: DraftImage, target: string) =>
      withProgress(service, log, (line) => findPushed(image, target, { ...access, log: line }))
    const push = async (service: string, image: DraftImage, target: string, found: PushedImage | null) => {
      const upload = (line: Log) => uploadImage(image, target, { ...access, log: line })
      const pushed = found ?? (await withProgress(service, log, upload))
      const list = pushed.uploaded ? uploaded : known
      list.push(service)
      return pushed.digest
    }
    const targetOf = (service: string, image: DraftImage) => `${prefix}/${service}:${contentTag(image)}`

    // Read beside the looks at the images: when all of them are there, this may be the same step once more.
    const reading = readLastManifest(prefix, remembered, { ...access, log: () => undefined }).catch(() => null)
    const comparing = refuseMoved(draft.images, access)
    comparing.catch(() => undefined)
    const images = Object.entries(draft.images)
    const looked = await sideBySide(LOOKS_AT_A_TIME, images, async ([service, image]) => {
      return { service, image, found: await look(service, image, targetOf(service, image)) }
    }).finally(() => Promise.allSettled([reading, comparing]))
    await comparing
    let checked: Promise<unknown> | undefined
    const checkOnce = () => {
      checked ??= checkEngine({ env, signal, space: RELEASE_SPACE })
      return checked
    }
    if (looked.some(({ found }) => found === null)) await checkOnce()
    const entries = await sideBySide(
      AT_A_TIME,
      looked,
      async ({ service, image, found }): Promise<[string, ReleaseImage]> => {
        const digest = await push(service, image, targetOf(service, image), found)
        const { config, platform, verdict } = image
        return [service, { ref: `${prefix}/${service}`, digest, config, platform, verdict }]
      },
    )
    const manifest = releaseManifestSchema.parse({
      schema: 1,
      id: releaseId(draft.commit, options.created),
      commit: draft.commit,
      repository: options.repository,
      actor: options.actor,
      run: options.run,
      created: options.created.toISOString(),
      images: Object.fromEntries(entries),
      migrations: options.migrations,
      stack,
      agent,
    })
    if (uploaded.length === 0) {
      const last = await reading
      // The same step once more: its release is there.
      if (last && isSameRelease(last.manifest, manifest)) {
        if (last !== remembered) await rememberRelease(options.cache, prefix, last)
        return { release: last.reference, manifest: last.manifest, uploaded, known: [...known, 'release'] }
      }
    }
    await checkOnce()
    const release = await pushReleaseImage(manifest, options, access, async (image, target) => {
      return push('release', image, target, await look('release', image, target))
    })
    await rememberRelease(options.cache, prefix, { reference: release, manifest })
    return { release, manifest, uploaded, known }
  })
}

async function pushReleaseImage(
  manifest: ReleaseManifest,
  options: PushOptions,
  access: RegistryAccess & EngineAccess,
  push: (image: DraftImage, target: string) => Promise<ReleaseImage['digest']>,
): Promise<string> {
  const repository = `${options.prefix}/release`
  const scratch = await mkdtemp(join(tmpdir(), 'pacs-release-'))
  try {
    // Built with the caller's own docker configuration: it needs no login, and a private one may hide buildx.
    const image = await buildReleaseImage(manifest, {
      ...options,
      host: access.host,
      scratch,
      local: `${repository}:${manifest.id}-built`,
    })
    const digest = await push(image, `${repository}:${manifest.id}`)
    access.log(`release ${manifest.id} is ${repository}@${digest}`)
    const release = formatPinned({ repository, digest })
    parsePinned('release', release)
    await markAsLast(image, options.prefix, access)
    return release
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

/** Whether two manifests say the same of everything but when the release was made. */
function isSameRelease(one: ReleaseManifest, other: ReleaseManifest): boolean {
  const { id, created } = one
  return canonicalJson(one) === canonicalJson({ ...other, id, created })
}

/** Lets the next build find this release, to see what is new since then. */
async function markAsLast(image: DraftImage, prefix: string, access: RegistryAccess & EngineAccess): Promise<void> {
  const tag = lastReleaseTag(prefix)
  const known = await lookUp(tag, access)
  if (known?.kind === 'manifest' && known.config === image.config) return
  await tagImage(image.image, tag, access)
  const pushed = await askRegistry('push', tag, ['push', '--quiet', tag], access)
  await untagImage(tag, access)
  if (typeof pushed !== 'string') throw refused(`push ${tag}: the registry has no such repository any more`)
}

/** Everything that can be wrong before anything is sent, said at once. */
async function checkParts(
  options: PushOptions,
  remembered: LastManifest | null,
): Promise<Pick<ReleaseManifest, 'stack' | 'agent'>> {
  const { prefix, draft, directory, stackDirectory, agentFile } = options
  const agent = await readFile(agentFile).catch(() => null)
  const hash = sha256(agent ?? '')
  const known = remembered?.manifest.agent
  const agentVersion = known?.sha256 === hash ? known.version : await options.agentVersion()
  const problems = new Problems()
  const check = (
    name: string,
    schema: { safeParse(value: unknown): { success: boolean } },
    value: string,
    hint: string,
  ) => {
    if (!schema.safeParse(value).success) problems.add(`${name}: "${value}" ${hint}`)
  }
  const shape = releaseManifestSchema.shape
  check('prefix', repositorySchema, prefix, 'is no repository with its registry (like ghcr.io/org/pacs)')
  check('agent version', shape.agent.shape.version, agentVersion, 'is no version (like 1.2.3)')
  check('actor', shape.actor, options.actor, 'must have 1 to 100 characters')
  check('repository', shape.repository, options.repository, 'must have 1 to 200 characters')
  check('run', shape.run, options.run, 'must have at most 300 characters')
  if (Object.keys(draft.images).length === 0) problems.add('the draft has no images: run build first')
  if (!(await isDirectory(stackDirectory))) problems.add(`stack directory: ${stackDirectory} is no directory`)
  if (!agent) problems.add(`agent: the file ${agentFile} cannot be read`)
  problems.throwIfAny()
  await checkCheckout(directory, draft.commit, options)
  return {
    stack: stackHash(await listStackFiles(stackDirectory)),
    agent: { version: agentVersion, sha256: hash },
  }
}

function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
}
