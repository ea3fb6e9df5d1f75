import { access, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join, relative } from 'node:path'
import { dockerPlugin, Problems, redactor, sideBySide } from '../lib/index.ts'
import { checkStack, type GateResult, gateStack, hasAllowances, loadStack, type Stack } from '../stack/index.ts'
import { canExportCache, type GitHubCache } from './build-cache.ts'
import { buildImage } from './build-image.ts'
import { checkCheckout } from './checkout.ts'
import type { Draft, DraftImage } from './draft.ts'
import { BUILD_SPACE, checkEngine } from './engine.ts'
import type { EvidenceByService } from './evidence.ts'
import { passGate } from './gate.ts'
import { knownFindings, type LastRelease, readLastRelease } from './last-release.ts'
import type { WeighedPage } from './page-budget.ts'
import { type PageWeight, readPageWeight, weighPage } from './page-weight.ts'
import { type ImageSource, planImages } from './plan.ts'
import { type Log, withProgress } from './progress.ts'
import { pullImage } from './pull-image.ts'
import { type RegistryLogin, withLogin } from './registry-login.ts'
import { ScanLane, type ScanOptions } from './scan/scan-images.ts'
import { type Judgement, judge, type Scan } from './scan/verdict.ts'
import { stackOfBranch } from './stack-of-branch.ts'

export interface BuildOptions {
  /** The checkout. */
  directory: string
  /** Path of the Compose file in the checkout. */
  composeFile: string
  /** The branch whose Compose file says what is allowed of the gate, where a pull request is judged; left out: the checkout's own does. */
  allowancesOf?: string
  /** Where the images will be pushed to: `ghcr.io/org/pacs`. */
  prefix: string
  /** 40 hex digits; the checkout must be at it. */
  commit: string
  /** For the build argument VERSION and the image's label. */
  version?: string
  /** The repository's address, for the image's label. */
  source?: string
  /** Path of a CA bundle that builds get as the BuildKit secret `ca`. */
  ca?: string
  /** More BuildKit secrets: id → path of the file. */
  secrets?: Readonly<Record<string, string>>
  /** GitHub's cache, where the job has one: used where the builder can. */
  cache?: GitHubCache
  /** What is kept of vendors' images from one job to the next, where the machine is: a directory of this user alone; left out: nothing. */
  memory?: string
  /** Left out: no image gets a verdict. */
  scan?: ScanOptions
  /** By which the last release is read; left out: the logins of the docker client as it is. */
  registry?: RegistryLogin
  /** A private directory for the login; made with mode 0700. */
  dockerConfigDirectory: string
  /** The whole environment of docker and git. */
  env: Readonly<Record<string, string>>
  log: Log
  /** Told what the gate found in the Compose file, and what keeps the agent from running it, before that is refused or anything is built. */
  onGate: (result: GateResult) => void
  signal: AbortSignal
}

/** Builds, and pulls beside them, that run at a time: each is parallel in itself. */
const AT_A_TIME = 2

export interface BuildResult {
  /** Images that were refused are in it too, without a verdict. */
  draft: Draft
  /** By service, in the stack's order; none where nothing was scanned. */
  judgements: Judgement[]
  evidence: EvidenceByService
  /** Pages that have a budget, whether they keep to it or not. */
  pages: WeighedPage[]
  /** What the images' own tests said, in words, by service. */
  tests: [string, string][]
  /** The release with which vendors' images were compared; null when there is none. */
  last: LastRelease | null
}

/**
 * Builds every image of the stack that has `build:`, pulls the vendors' ones, for the engine's platform, and judges each.
 * @throws Failure `bad-input` or `refused` before anything was built, `error` when a build, a pull or a scan failed.
 */
export async function buildImages(options: BuildOptions): Promise<BuildResult> {
  const { directory, composeFile, prefix, commit, env, log, signal } = options
  const path = join(directory, composeFile)
  const engineFound = checkEngine({ env, signal, space: BUILD_SPACE })
  const plugin = dockerPlugin('compose', env)
  // Compose takes longest, so it is started before git.
  const stackRead = plugin.then((compose) => {
    return loadStack({ directory: dirname(path), file: basename(path), env, signal, compose })
  })
  const atCommit = plugin.then(() => checkCheckout(directory, commit, options))
  const checks = [atCommit, checkSecrets(options), engineFound, stackRead] as const
  // None needs another's answer. All have ended when the first of them that is wrong is said.
  await Promise.allSettled(checks)
  const [created, secrets, engine, stack] = await Promise.all(checks)
  const gate = gateStack(stack, await allowancesFor(stack, options))
  const unfit = checkStack(stack)
  // What keeps the agent from running it is told with the rest, so that nobody mends one kind only to hear of the other.
  options.onGate({ ...gate, blockers: [...unfit, ...gate.blockers] })
  const sources = await planImages(stack, unfit, directory, prefix)
  passGate(gate)
  const cache = await usableCache(options, engine.namesByConfig)
  const redact = redactor([
    ...(await Promise.all(Object.values(secrets.values).map((file) => readFile(file, 'utf8')))),
    cache?.ACTIONS_RUNTIME_TOKEN ?? '',
  ])

  const scratch = await mkdtemp(join(tmpdir(), 'pacs-build-'))
  try {
    const { cache: _given, ...rest } = options
    const context = {
      ...rest,
      ...(cache === undefined ? {} : { cache }),
      created,
      secrets: secrets.all,
      ...engine,
      metadataDirectory: scratch,
      redact,
    }
    const last = lastRelease(options, engine.host)
    // Looked at when all is built; until then a failure waits.
    last.catch(() => undefined)
    const dockerfiles = sources.flatMap((source) => {
      if (source.kind !== 'build') return []
      const { service, dockerfile: file } = source
      return [{ service, file, path: relative(directory, file) }]
    })
    const lane =
      options.scan && new ScanLane(options.scan, { ...options, directory: scratch, host: engine.host, dockerfiles })
    const scans: Promise<Scan>[] = []
    const weights = new Map<string, { weight: PageWeight; budget: number }>()
    const tests: [string, string][] = []
    const make = (source: ImageSource & { kind: 'build' | 'pull' }) =>
      withProgress(source.service, log, async (line): Promise<[string, DraftImage]> => {
        const one = { ...context, log: line }
        const { image, tests: said } =
          source.kind === 'build' ? await buildImage(source, one) : { image: await pullImage(source, one), tests: null }
        if (said !== null) tests.push([source.service, said])
        const scan = lane?.scan(source.service, image, sharersOf(source.service, sources))
        scan?.catch(() => undefined)
        if (scan) scans.push(scan)
        if (source.kind === 'build' && source.bundleBudget !== undefined) {
          const weight = await weighPage(source.service, image.image, { host: engine.host, env, signal })
          weights.set(source.service, { weight, budget: source.bundleBudget })
        }
        return [source.service, image]
      })
    // A pull waits for the network and a build for the processor: neither queues behind the other.
    const groups = [
      sources.filter((source) => source.kind === 'build'),
      sources.filter((source) => source.kind === 'pull'),
    ]
    const made = await sideBySide(groups.length, groups, (group) => sideBySide(AT_A_TIME, group, make)).finally(() =>
      lane?.ended(),
    )
    const scanned = await Promise.all(scans)
    const compared = await last
    const judged = judgeAll(scanned, options.scan, compared)
    const images = new Map(
      made.flat().map(([service, image]) => [service, { ...image, verdict: judged.get(service)?.verdict ?? null }]),
    )
    return {
      draft: { schema: 1, commit, images: inOrder(sources, images) },
      judgements: sources.flatMap(({ service }) => judged.get(service) ?? []),
      evidence: inOrder(
        sources,
        new Map(
          scanned.map(({ service, report, sbom, dockerfile }) => {
            const page = weights.get(service)
            return [
              service,
              {
                ...{ report, sbom },
                ...(dockerfile === undefined ? {} : { dockerfile }),
                ...(page ? { page: JSON.stringify(page.weight) } : {}),
              },
            ]
          }),
        ),
      ),
      pages: [...weights].map(([service, page]) => {
        return { service, ...page, before: readPageWeight(compared?.evidence[service]?.page) }
      }),
      tests,
      last: compared,
    }
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

/** By whose allowances the gate goes; undefined: the stack's own, or there are none. */
async function allowancesFor(stack: Stack, options: BuildOptions): Promise<Stack | null | undefined> {
  if (options.allowancesOf === undefined || !hasAllowances(stack)) return undefined
  const scratch = await mkdtemp(join(tmpdir(), 'pacs-branch-'))
  try {
    return await stackOfBranch(options.allowancesOf, scratch, options)
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

/** GitHub's cache, if there is one and the builder can hand its own on. */
async function usableCache(
  { cache, env, signal, log }: BuildOptions,
  namesByConfig: boolean,
): Promise<GitHubCache | undefined> {
  if (cache === undefined) return undefined
  if (await canExportCache(namesByConfig, { env, signal })) return cache
  log("build | GitHub's cache is not used: this builder cannot hand its cache on (containerd's image store can)")
  return undefined
}

/** What is new in vendors' images is asked of the registry only where the answer decides. */
async function lastRelease(options: BuildOptions, host: string): Promise<LastRelease | null> {
  if (options.scan?.policy.vendors !== 'new') return null
  const login = { ...options, directory: options.dockerConfigDirectory, host }
  return withLogin(options.registry, login, (access) => readLastRelease(options.prefix, access))
}

function judgeAll(
  scans: readonly Scan[],
  options: ScanOptions | undefined,
  last: LastRelease | null,
): Map<string, Judgement> {
  if (options === undefined) return new Map()
  const standard = { ...options, known: last ? knownFindings(last) : new Map(), now: new Date() }
  return new Map(scans.map((scan) => [scan.service, judge(scan, standard)]))
}

function sharersOf(builder: string, sources: readonly ImageSource[]): string[] {
  return sources.flatMap((source) => (source.kind === 'same' && source.as === builder ? [source.service] : []))
}

/** One for each service; those that share an image share what is of it. */
function inOrder<T>(sources: readonly ImageSource[], made: ReadonlyMap<string, T>): Record<string, T> {
  const all: Record<string, T> = {}
  for (const source of sources) {
    const one = made.get(source.kind === 'same' ? source.as : source.service)
    if (one !== undefined) all[source.service] = one
  }
  return all
}

/** @returns all secrets for BuildKit, and those among them whose content must not be shown (a CA bundle is public). */
async function checkSecrets({
  ca,
  secrets = {},
}: BuildOptions): Promise<{ all: Record<string, string>; values: Record<string, string> }> {
  const problems = new Problems()
  if (ca !== undefined && 'ca' in secrets)
    problems.add('build secrets: the id ca is that of the CA bundle; choose another')
  const all = { ...secrets, ...(ca === undefined ? {} : { ca }) }
  for (const [id, path] of Object.entries(all)) {
    if (!/^[A-Za-z0-9_.-]+$/.test(id)) problems.add(`build secrets: "${id}" is no id of letters, digits, ., _ and -`)
    // BuildKit reads the option as a line of CSV.
    else if (/[",\n]/.test(path))
      problems.add(`build secret ${id}: the path ${path} holds a comma, quote or line break`)
    else await access(path).catch(() => problems.add(`build secret ${id}: the file ${path} cannot be read`))
  }
  problems.throwIfAny()
  return { all, values: { ...secrets } }
}
