import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { Failure, HANDED_ON, refused, shortened, tryRun } from '../../lib/index.ts'
import { type Digest, sha256 } from '../../release/index.ts'
import type { Log } from '../progress.ts'
import { openScanner, type Scanner } from './scanner.ts'
import { requireFreshDatabase } from './verdict.ts'

export interface TrivyOptions {
  scanner: Scanner
  /** Databases and what is known of layers; of this user alone. */
  cache: string
  /** An empty private directory. */
  directory: string
  /** Repositories of the vulnerability database, tried in order; Trivy's own when empty. */
  databases: readonly string[]
  /** The same of the index of jars, which is brought when an image holds one. */
  javaDatabases: readonly string[]
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

/** A fifth of a scan's time would go to collecting garbage. It takes up to twice the memory so; from 1 GiB on it collects again. */
const MEMORY = { GOGC: '400', GOMEMLIMIT: '1GiB' }

const MINUTE = 60_000
/** Minutes for looking at one image, and for bringing the database from one repository. */
const [SCAN, DOWNLOAD] = [10, 4]
/** Where Trivy's makers publish the database. */
const OWN_DATABASES = ['mirror.gcr.io/aquasec/trivy-db:2', 'ghcr.io/aquasecurity/trivy-db:2']
/** Where Dockerfiles lie in the folder that is looked at: Trivy passes over `dev`, `proc` and `sys` at its top. */
export const LAID = 'checkout/'
/** Seconds after which a server that has not begun to answer counts as away, and the exit code of curl for that. */
const [SILENCE, CURL_TIMEOUT] = [20, 28]
/** Exit code of flock, which no run of Trivy ends with, when another job of this machine scans. */
const TAKEN = 199
/** Milliseconds between looks at whether it still does. */
const LOOK = 500

/** A vulnerability database on this machine. */
export interface Database {
  made: Date
  /** Differs for every one that was brought. */
  id: Digest
}

const metadataSchema = z.object({ Version: z.literal(2), UpdatedAt: z.iso.datetime({ offset: true }) })

/** Trivy calls it an error that it was asked to use the checks that it was built with. */
const AS_ASKED = /Falling back to embedded checks/

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
      ...MEMORY,
      PATH: '/usr/local/bin:/usr/bin:/bin',
      HOME: join(directory, 'home'),
      TMPDIR: join(directory, 'tmp'),
      // An expired login is refused where no login is needed.
      DOCKER_CONFIG: join(directory, 'home'),
      ...(host === '' ? {} : { DOCKER_HOST: host }),
    })
  }

  /**
   * Brings the vulnerability database up to date, from the first repository that gives one of the day.
   * @throws Failure `error` when none gives any, `refused` when that of the last one is too old or does not say when it was made
   */
  async updateDatabase(now: Date): Promise<Database> {
    const { log, signal } = this.#options
    const databases = this.#options.databases.length > 0 ? this.#options.databases : OWN_DATABASES
    // Trivy itself goes on to the next one only where a server is busy: not from one that is silent or has no database, or a cut or an old one.
    for (const [index, name] of databases.slice(0, -1).entries()) {
      try {
        return await this.#bring(name, now)
      } catch (thrown) {
        if (!(thrown instanceof Failure) || signal.aborted) throw thrown
        log(`scan | ${thrown.message.slice(0, 300)}; next is ${databases[index + 1]}`)
      }
    }
    return this.#bring(databases.at(-1) ?? '', now)
  }

  async #bring(repository: string, now: Date): Promise<Database> {
    await this.#unlessSilent(repository, (signal) => {
      const args = ['--download-db-only', '--db-repository', repository]
      return this.#image('the vulnerability database', args, DOWNLOAD, signal)
    })
    const folder = join(this.#options.cache, 'db')
    try {
      const text = await readFile(join(folder, 'metadata.json'), 'utf8').catch(() => '')
      const parsed = metadataSchema.safeParse(jsonOf(text))
      if (!parsed.success) throw refused(`scan: ${folder} does not say when the vulnerability database was made`)
      const made = new Date(parsed.data.UpdatedAt)
      requireFreshDatabase(made, now)
      return { made, id: sha256(text) }
    } catch (thrown) {
      // Trivy would keep what it has brought within the hour, wherever it is told to look.
      await rm(folder, { recursive: true, force: true })
      throw thrown
    }
  }

  /** Trivy waits for its whole time for a server that takes a connection and says nothing: beside it, that server is asked for any answer. */
  async #unlessSilent(repository: string, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const [silent, done] = [new AbortController(), new AbortController()]
    const host = repository.split('/')[0] ?? ''
    const ask = ['--silent', '--output', '/dev/null', '--max-time', String(SILENCE), `https://${host}/v2/`]
    const asked = tryRun('curl', ask, { env: this.#env, signal: done.signal }).then(
      ({ code }) => {
        if (code !== CURL_TIMEOUT) return
        const why = `${host} has not answered for ${SILENCE} s`
        silent.abort(new Failure('error', `scan of the vulnerability database failed, so nothing is judged: ${why}`))
      },
      () => undefined,
    )
    try {
      await work(AbortSignal.any([this.#options.signal, silent.signal]))
    } finally {
      done.abort()
      await asked
    }
  }

  /**
   * Scans an image of the engine.
   * @param image the engine's own name for it, so that no tag decides which one is looked at
   * @returns Trivy's JSON. @throws Failure `error` when the scan fails, whatever was found
   */
  async scan(service: string, image: Digest): Promise<string> {
    const output = this.#file(`${service}.json`)
    const { licences, javaDatabases } = this.#options
    await this.#image(service, [
      ...['--format', 'json', '--output', output, '--list-all-pkgs', '--show-suppressed'],
      ...['--scanners', `vuln,secret${licences ? ',license' : ''}`, '--image-config-scanners', 'misconfig,secret'],
      ...javaDatabases.flatMap((name) => ['--java-db-repository', name]),
      ...['--skip-db-update', '--skip-check-update', '--skip-vex-repo-update', '--image-src', 'docker'],
      image,
    ])
    return readFile(output, 'utf8')
  }

  /**
   * Looks at Dockerfiles, by the checks that the program itself brings.
   * @param texts by path in the checkout
   * @returns Trivy's JSON, in which each path stands behind {@link LAID}. @throws Failure `error` when the scan fails, whatever was found
   */
  async scanDockerfiles(texts: ReadonlyMap<string, string>): Promise<string> {
    const [folder, output] = [this.#file('dockerfiles'), this.#file('dockerfiles.json')]
    for (const [path, text] of texts) {
      const file = join(folder, LAID, path)
      await mkdir(dirname(file), { recursive: true, mode: 0o700 })
      await writeFile(file, withoutComments(text))
    }
    await this.#run('the Dockerfiles', [
      ...['config', ...this.#common(SCAN, this.#file('cache')), '--skip-version-check', '--disable-telemetry'],
      // Every file is one, whatever it is called; checks of a later day than the program's would make it another scanner.
      ...['--file-patterns', 'dockerfile:.', '--misconfig-scanners', 'dockerfile', '--skip-check-update'],
      ...['--format', 'json', '--output', output, folder],
    ])
    return readFile(output, 'utf8')
  }

  /** What an image consists of, by its report, without scanning anew. @returns CycloneDX as JSON */
  async billOfMaterials(service: string, report: string): Promise<string> {
    const [input, output] = [this.#file(`${service}.json`), this.#file(`${service}.cdx.json`)]
    await writeFile(input, report)
    await this.#run(service, ['convert', ...this.#common(), '--format', 'cyclonedx', '--output', output, input])
    return readFile(output, 'utf8')
  }

  /** Runs `trivy image`, one at a time on a machine: its databases and what it knows of layers lie in files that one process can write. */
  async #image(what: string, args: readonly string[], limit = SCAN, signal = this.#options.signal): Promise<void> {
    const own = ['--no-progress', '--secret-config', this.#file('secret.yaml'), '--skip-version-check']
    await mkdir(this.#options.cache, { recursive: true, mode: 0o700 })
    const all = ['image', ...this.#common(limit), ...own, '--disable-telemetry', ...args]
    await this.#run(what, all, { limit, alone: true, signal })
  }

  #common(limit = SCAN, cache = this.#options.cache): string[] {
    return [
      ...['--config', this.#file('config.yaml'), '--cache-dir', cache, '--timeout', `${limit}m`],
      // Any other code than 0 is a failure of the scanner; what it found stands in its report.
      ...['--ignorefile', this.#file('ignore.yaml'), '--exit-code', '0'],
    ]
  }

  #file(name: string): string {
    return join(this.#options.directory, name)
  }

  async #run(
    what: string,
    args: readonly string[],
    { limit = SCAN, alone = false, signal = this.#options.signal } = {},
  ): Promise<void> {
    const { scanner, cache, log } = this.#options
    const lock = ['--no-fork', '--nonblock', '--conflict-exit-code', String(TAKEN), join(cache, 'lock')]
    for (let waited = false; ; waited = true) {
      await using program = await openScanner(scanner)
      const [file = '', ...rest] = [...(alone ? ['flock', ...lock] : []), HANDED_ON, ...args]
      const { code, stderr } = await tryRun(file, rest, {
        env: this.#env,
        cwd: this.#file('empty'),
        handedOn: program.fd,
        timeout: (limit + 2) * MINUTE,
        signal,
        onLine: (line) => {
          if (!AS_ASKED.test(line)) log(`scan | ${line}`)
        },
      })
      if (code === 0) return
      if (code !== TAKEN) throw failed(what, code, stderr)
      if (!waited) log('scan | another job on this machine scans: wait for it')
      await sleep(LOOK, undefined, { signal })
    }
  }
}

/** A Dockerfile without the scanner's own comments: `trivy:ignore:DS-0002` would take a finding out of the report unseen. */
function withoutComments(text: string): string {
  return text.replaceAll(/(trivy|tfsec):(?=[^ \n]*ignore:)/g, '$1.')
}

function failed(what: string, code: number, stderr: string): Failure {
  const lines = stderr.split('\n')
  const why = lines.findLast((line) => /\b(FATAL|ERROR)\b/.test(line)) ?? lines.at(-1)
  return new Failure(
    'error',
    `scan of ${what} failed, so nothing is judged: Trivy ended with ${code}: ${shortened(why ?? '')}`,
  )
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
