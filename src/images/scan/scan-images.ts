import { mkdir, mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import type { PinnedTool } from '../../lib/index.ts'
import type { DraftImage } from '../draft.ts'
import { type Log, withProgress } from '../progress.ts'
import type { Policy } from './policy.ts'
import { findScanner, type GivenScanner } from './scanner.ts'
import { Trivy } from './trivy.ts'
import { requireFreshDatabase, type Scan } from './verdict.ts'
import type { Waiver } from './waivers.ts'

export interface ScanOptions {
  pinned: PinnedTool
  given?: GivenScanner
  /** Repositories of the vulnerability database, tried in order; Trivy's own when empty. */
  databases: readonly string[]
  policy: Policy
  waivers: readonly Waiver[]
  /** See {@link Standard}. */
  known: ReadonlyMap<string, ReadonlySet<string>>
  /** A directory of this user alone, kept from one job to the next where the machine is. */
  cache: string
}

interface Context {
  /** A private directory, which the caller removes. */
  directory: string
  /** Value for DOCKER_HOST; may be empty. */
  host: string
  env: Readonly<Record<string, string>>
  log: Log
  signal: AbortSignal
}

/** Scans images one after the other, each as soon as it is there. */
export class ScanLane {
  readonly #ready: Promise<{ trivy: Trivy; scanner: Scan['scanner']; database: Date }>
  #last: Promise<unknown>
  readonly #log: Log
  readonly #scans = new Map<string, Promise<string>>()

  /** Begins at once to bring scanner and database, beside what builds. */
  constructor(options: ScanOptions, context: Context) {
    this.#log = context.log
    this.#ready = prepare(options, context)
    // Whoever scans gets to see it; nobody does when a build has failed before.
    this.#ready.catch(() => undefined)
    this.#last = this.#ready
  }

  /** Scans what was built or pulled for `service`. @throws Failure when it cannot be scanned, or by a database that is too old */
  async scan(service: string, { image, built }: DraftImage): Promise<Scan> {
    const { trivy, scanner, database } = await this.#ready
    const report =
      this.#scans.get(image) ??
      this.#enqueue(() => withProgress(`scan of ${service}`, this.#log, () => trivy.scan(service, image)))
    this.#scans.set(image, report)
    return { service, built, image, report: await report, scanner, database }
  }

  /** Resolves when nothing runs any more, well or not. */
  async ended(): Promise<void> {
    await this.#last.catch(() => undefined)
  }

  // What Trivy knows of layers lies in a file that one process can open: several at a time would wait for it, or fail.
  #enqueue(work: () => Promise<string>): Promise<string> {
    const next = this.#last.then(work)
    this.#last = next.catch(() => undefined)
    return next
  }
}

async function prepare(options: ScanOptions, context: Context) {
  const { directory, log } = context
  await mkdir(options.cache, { recursive: true, mode: 0o700 })
  const scanner = await findScanner({ ...options, ...context })
  const trivy = await Trivy.open({
    ...context,
    scanner,
    cache: join(options.cache, 'trivy'),
    directory: await mkdtemp(join(directory, 'scan-')),
    databases: options.databases,
    licences: options.policy.licences.length > 0,
  })
  const database = await trivy.updateDatabase()
  requireFreshDatabase(database, new Date())
  log(`scan | Trivy ${scanner.version}, database of ${database.toISOString()}`)
  return { trivy, scanner: { version: scanner.version, sha256: scanner.sha256 }, database }
}
