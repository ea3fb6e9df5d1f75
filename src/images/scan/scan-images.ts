import { mkdir, mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import type { PinnedTool } from '../../lib/index.ts'
import type { Digest, Evidence } from '../../release/index.ts'
import type { DraftImage } from '../draft.ts'
import { type Log, withProgress } from '../progress.ts'
import { type Dockerfile, scanDockerfiles } from './dockerfiles.ts'
import { KeptReports } from './kept-reports.ts'
import type { Policy } from './policy.ts'
import { findScanner, type GivenScanner } from './scanner.ts'
import { Trivy } from './trivy.ts'
import type { Scan } from './verdict.ts'
import type { Waiver } from './waivers.ts'

export interface ScanOptions {
  pinned: PinnedTool
  given?: GivenScanner
  /** Repositories of the vulnerability database, tried in order; Trivy's own when empty. */
  databases: readonly string[]
  /** The same of the index of jars. */
  javaDatabases: readonly string[]
  policy: Policy
  waivers: readonly Waiver[]
  /** A directory of this user alone, kept from one job to the next where the machine is. */
  cache: string
}

interface Context {
  /** Of the services that are built here. */
  dockerfiles: readonly Dockerfile[]
  /** A private directory, which the caller removes. */
  directory: string
  /** Value for DOCKER_HOST; may be empty. */
  host: string
  env: Readonly<Record<string, string>>
  log: Log
  signal: AbortSignal
}

interface Opened {
  trivy: Trivy
  scanner: Scan['scanner']
}

interface Ready extends Opened {
  /** When the vulnerability database was made. */
  database: Date
  reports: KeptReports
}

/** Scans images one after the other, each as soon as it is there. */
export class ScanLane {
  readonly #ready: Promise<Ready>
  readonly #dockerfiles: Promise<ReadonlyMap<string, string>>
  #last: Promise<unknown>
  readonly #log: Log
  readonly #scans = new Map<string, Promise<Evidence>>()

  /** Begins at once to bring scanner and database, beside what builds. */
  constructor(options: ScanOptions, context: Context) {
    this.#log = context.log
    const opened = open(options, context)
    this.#ready = prepare(options, context, opened)
    // They need no database, and are done before the first image is there.
    const keep = join(options.cache, 'dockerfiles.json')
    this.#dockerfiles = opened.then(({ trivy, scanner }) =>
      scanDockerfiles(trivy, context.dockerfiles, { scanner: scanner.sha256, keep }),
    )
    // Whoever scans gets to see it; nobody does when a build has failed before.
    for (const begun of [this.#ready, this.#dockerfiles]) begun.catch(() => undefined)
    this.#last = this.#ready
  }

  /**
   * Scans what was built or pulled for `service`, and which others share.
   * @throws Failure when it cannot be scanned, or by a database that is too old
   */
  async scan(service: string, { image, built }: DraftImage, sharedBy: readonly string[]): Promise<Scan> {
    const ready = await this.#ready
    const evidence = this.#scans.get(image) ?? this.#evidenceOf(service, image, ready)
    this.#scans.set(image, evidence)
    const dockerfile = built ? (await this.#dockerfiles).get(service) : undefined
    return {
      ...{ service, sharedBy, built, image, ...(await evidence), scanner: ready.scanner, database: ready.database },
      ...(dockerfile === undefined ? {} : { dockerfile }),
    }
  }

  /** Resolves when nothing runs any more, well or not. */
  async ended(): Promise<void> {
    await Promise.allSettled([this.#ready, this.#dockerfiles])
    await Promise.allSettled(this.#scans.values())
  }

  async #evidenceOf(service: string, image: Digest, { trivy, reports }: Ready): Promise<Evidence> {
    const kept = await reports.find(image)
    if (kept !== null) {
      this.#log(`scan of ${service} | known: this image was scanned here with this database`)
      return kept
    }
    const report = await this.#enqueue(() =>
      withProgress(`scan of ${service}`, this.#log, () => trivy.scan(service, image)),
    )
    // Beside the scan of the next image.
    const evidence = { report, sbom: await trivy.billOfMaterials(service, report) }
    await reports.keep(image, evidence)
    return evidence
  }

  // Trivy lets one process at a time look at images.
  #enqueue<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#last.then(work)
    this.#last = next.catch(() => undefined)
    return next
  }
}

async function open(options: ScanOptions, context: Context): Promise<Opened> {
  const { directory } = context
  await mkdir(options.cache, { recursive: true, mode: 0o700 })
  const { version, sha256, path } = await findScanner({ ...options, ...context })
  const trivy = await Trivy.open({
    ...context,
    scanner: { version, sha256, path },
    cache: join(options.cache, 'trivy'),
    directory: await mkdtemp(join(directory, 'scan-')),
    databases: options.databases,
    javaDatabases: options.javaDatabases,
    licences: options.policy.licences.length > 0,
  })
  return { trivy, scanner: { version, sha256 } }
}

async function prepare(options: ScanOptions, { log }: Context, opened: Promise<Opened>): Promise<Ready> {
  const { trivy, scanner } = await opened
  const { version, sha256 } = scanner
  const licences = options.policy.licences.length > 0
  const { made, id } = await trivy.updateDatabase(new Date())
  log(`scan | Trivy ${version}, database of ${made.toISOString()}`)
  const key = { scanner: sha256, database: id, licences }
  const reports = await KeptReports.open(join(options.cache, 'reports'), key, version)
  return { trivy, scanner, database: made, reports }
}
