import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { refused, sideBySide } from '../lib/index.ts'
import {
  formatPinned,
  type PinnedImage,
  type ReleaseImage,
  type ReleaseManifest,
  readReleaseEvidence,
} from '../release/index.ts'
import { BUILD_SPACE, checkEngine } from './engine.ts'
import { knownFindings } from './last-release.ts'
import { type Log, withProgress } from './progress.ts'
import { pullImage } from './pull-image.ts'
import { type RegistryLogin, withLogin } from './registry-login.ts'
import { ScanLane, type ScanOptions } from './scan/scan-images.ts'
import { type Judgement, judge } from './scan/verdict.ts'

export interface ReleaseScanOptions {
  release: PinnedImage
  /** Whether a service of it is judged: one that does not run is not. */
  runs: (service: string) => boolean
  scan: ScanOptions
  /** Left out: the logins of the docker client as it is. */
  registry?: RegistryLogin
  /** A private directory for the login; made with mode 0700. */
  dockerConfigDirectory: string
  env: Readonly<Record<string, string>>
  log: Log
  signal: AbortSignal
}

export interface ReleaseScan {
  manifest: ReleaseManifest
  /** By service, one for those that share an image; what is refused in one is new since the release was built. */
  judgements: Judgement[]
  /** When the vulnerability database was made. */
  database: Date
}

/** Pulls that run at a time, beside the scan. */
const AT_A_TIME = 2

/**
 * Judges the images of a release anew: by today's database, this policy and these waivers.
 * @throws Failure `refused` or `error` when they cannot be judged; what they are found to have is no failure
 */
export async function scanRelease(options: ReleaseScanOptions): Promise<ReleaseScan> {
  const { release, runs, env, log, signal, scan } = options
  const engine = await checkEngine({ env, signal, space: BUILD_SPACE })
  const scratch = await mkdtemp(join(tmpdir(), 'pacs-scan-'))
  // Dockerfiles are not in a release, and what the scanner said of them then holds as long as the scanner is the same.
  const lane = new ScanLane(scan, { ...options, directory: scratch, host: engine.host, dockerfiles: [] })
  const login = { ...options, prefix: release.repository, directory: options.dockerConfigDirectory, host: engine.host }
  try {
    return await withLogin(options.registry, login, async (access) => {
      const { manifest, evidence } = await readReleaseEvidence({ ...access, pinned: release, into: scratch })
      const context = {
        ...access,
        redact: access.redact ?? ((text: string) => text),
        host: engine.host,
        namesByConfig: engine.namesByConfig,
        memory: scan.cache,
      }
      const running = Object.entries(manifest.images).filter(([service]) => runs(service))
      if (running.length === 0) {
        throw refused(
          `release ${manifest.id} names no image that runs, so there is nothing to judge: build and push it again`,
        )
      }
      const once = running.filter(([service, image]) => running.find(sharing(image))?.[0] === service)
      const scans = await sideBySide(AT_A_TIME, once, ([service, image]) =>
        withProgress(service, log, async (line) => {
          const pulled = await pullReleased(service, image, { ...context, log: line })
          const all = Object.entries(manifest.images).filter(sharing(image))
          const sharedBy = all.map(([name]) => name).filter((name) => name !== service)
          const scanned = await lane.scan(service, { ...pulled, built: image.verdict?.built ?? true }, sharedBy)
          const dockerfile = evidence[service]?.dockerfile
          return { ...scanned, ...(dockerfile === undefined ? {} : { dockerfile }) }
        }),
      ).finally(() => lane.ended())
      const standard = { ...scan, known: knownFindings({ manifest, evidence }), now: new Date() }
      const [{ database } = { database: new Date(0) }] = scans
      return { manifest, judgements: scans.map((one) => judge(one, standard)), database }
    })
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

function sharing({ config }: ReleaseImage): (entry: [string, ReleaseImage]) => boolean {
  return ([, other]) => other.config === config
}

async function pullReleased(
  service: string,
  { ref, digest, config, platform }: ReleaseImage,
  context: Omit<Parameters<typeof pullImage>[1], 'platform'>,
) {
  const reference = formatPinned({ repository: ref, digest })
  const pulled = await pullImage({ service, kind: 'pull', reference }, { ...context, platform })
  if (pulled.config === config) return pulled
  throw refused(`${reference} has the configuration ${pulled.config}, the release of it says ${config}`)
}
