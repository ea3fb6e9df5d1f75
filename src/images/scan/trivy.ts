import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { Failure, refused, tryRun } from '../../lib/index.ts'
import type { Digest } from '../../release/index.ts'
import type { Log } from '../progress.ts'
import { type Scanner, verifyScanner } from './scanner.ts'

export interface TrivyOptions {
  scanner: Scanner
  /** Databases and what is known of layers; of this user alone. */
  cache: string
  /** An empty private directory. */
  directory: string
  /** Repositories of the vulnerability database, tried in order; Trivy's own when empty. */
  databases: readonly string[]
  /** Whether licences are looked at: it takes time. */
  licences: boolean
  /** Value for DOCKER_HOST; may be empty. */
  host: string
  env: Readonly<Record<string, string>>
  log: Log
  signal: AbortSignal
}

/** What of the caller's environment reaches Trivy: the way to the network and to the engine. TRIVY_* would change what it finds. */
const PASSED = ['SSL_CERT_FILE', 'SSL_CERT_DIR', 'DOCKER_CERT_PATH', 'DOCKER_TLS_VERIFY']
const PROXIES = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'].flatMap((name) => [name, name.toLowerCase()])

const MINUTE = 60_000
const metadataSchema = z.object({ Version: z.literal(2), UpdatedAt: z.iso.datetime({ offset: true }) })

/** The scanner's command line: nothing from the working directory, the environment or a file of anyone's decides what it finds. */
export class Trivy {
  readonly #options: TrivyOptions
  readonly #env: Record<string, string>

  private constructor(options: TrivyOptions, env: Record<string, string>) {
    this.#options = options
    this.#env = env
  }

  static async open(options: TrivyOptions): Promise<Trivy> {
    const { directory, env, host } = options
    for (const name of ['empty', 'home', 'tmp']) await mkdir(join(directory, name), { recursive: true, mode: 0o700 })
    // A file that is missing counts as empty without a word; these are there, and are empty.
    for (const name of ['config.yaml', 'secret.yaml', 'ignore.yaml']) await writeFile(join(directory, name), '{}\n')
    const passed = [...PASSED, ...PROXIES].flatMap((name): [string, string][] => {
      const value = env[name]
      return value === undefined ? [] : [[name, value]]
    })
    return new Trivy(options, {
      ...Object.fromEntries(passed),
      HOME: join(directory, 'home'),
      TMPDIR: join(directory, 'tmp'),
      // An expired login is refused where no login is needed.
      DOCKER_CONFIG: join(directory, 'home'),
      ...(host === '' ? {} : { DOCKER_HOST: host }),
    })
  }

  /**
   * Brings the vulnerability database up to date.
   * @returns when it was made. @throws Failure `error` when no repository gives one
   */
  async updateDatabase(): Promise<Date> {
    const { databases, cache } = this.#options
    const repositories = databases.flatMap((name) => ['--db-repository', name])
    await this.#run('the vulnerability database', ['--download-db-only', ...repositories])
    const file = join(cache, 'db', 'metadata.json')
    const text = await readFile(file, 'utf8').catch(() => '')
    const parsed = metadataSchema.safeParse(jsonOf(text))
    if (!parsed.success) throw refused(`scan: ${file} does not say when the vulnerability database was made`)
    return new Date(parsed.data.UpdatedAt)
  }

  /**
   * Scans an image of the engine.
   * @param image the engine's own name for it, so that no tag decides which one is looked at
   * @returns Trivy's JSON. @throws Failure `error` when the scan fails, whatever was found
   */
  async scan(service: string, image: Digest): Promise<string> {
    const { directory, licences } = this.#options
    const output = join(directory, `${service}.json`)
    await this.#run(service, [
      ...['--format', 'json', '--output', output, '--list-all-pkgs', '--show-suppressed'],
      ...['--scanners', `vuln,secret${licences ? ',license' : ''}`, '--image-config-scanners', 'misconfig,secret'],
      ...['--skip-db-update', '--skip-check-update', '--skip-vex-repo-update', '--image-src', 'docker'],
      image,
    ])
    return readFile(output, 'utf8')
  }

  async #run(what: string, args: readonly string[]): Promise<void> {
    const { scanner, directory, cache, log, signal } = this.#options
    await verifyScanner(scanner)
    const file = (name: string) => join(directory, name)
    const common = [
      ...['image', '--config', file('config.yaml'), '--cache-dir', cache, '--no-progress', '--timeout', '10m'],
      ...['--ignorefile', file('ignore.yaml'), '--secret-config', file('secret.yaml')],
      // Any other code than 0 is a failure of the scanner; what it found stands in its report.
      ...['--exit-code', '0', '--skip-version-check', '--disable-telemetry'],
    ]
    const { code, stderr } = await tryRun(scanner.path, [...common, ...args], {
      env: this.#env,
      cwd: file('empty'),
      timeout: 12 * MINUTE,
      signal,
      onLine: (line) => log(`scan | ${line}`),
    })
    if (code === 0) return
    const why = stderr.split('\n').findLast((line) => /\b(FATAL|ERROR)\b/.test(line)) ?? stderr.split('\n').at(-1)
    throw new Failure(
      'error',
      `scan of ${what} failed, so nothing is judged: Trivy ended with ${code}: ${why?.slice(0, 500)}`,
    )
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
