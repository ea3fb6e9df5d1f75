import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { Failure, type FailureKind, type Redact, redactor, tryRun } from '../lib/index.ts'
import { isDiskFull, refusalOfCredentials, resticFailure } from './restic-failures.ts'

/** A restic repository and how it is reached. */
export interface Repository {
  /** As restic writes it: a folder, `sftp:user@host:/path`, `s3:https://…`, `rest:https://…`. */
  location: string
  /** A file that holds its password. */
  passwordFile: string
  /** Credentials of its store (`AWS_ACCESS_KEY_ID`, …), handed on by environment alone. */
  env?: Readonly<Record<string, string>>
  /** `-o` options, like `sftp.args=-i /opt/pacs/…`. */
  options?: readonly string[]
}

const summarySchema = z.object({
  message_type: z.literal('summary'),
  snapshot_id: z.string(),
  data_added: z.int(),
  data_added_packed: z.int().optional(),
  total_bytes_processed: z.int(),
  total_files_processed: z.int(),
})

/** What one `restic backup` did. */
export interface Stored {
  snapshot: string
  files: number
  bytesRead: number
  bytesAdded: number
}

const lockSchema = z.object({ hostname: z.string() })

const snapshotSchema = z.object({
  id: z.string(),
  time: z.string(),
  hostname: z.string().default(''),
  tags: z.array(z.string()).default([]),
  paths: z.array(z.string()),
})
export type Snapshot = z.infer<typeof snapshotSchema>

interface ResticCall {
  signal?: AbortSignal | undefined
  /** Milliseconds; default none. */
  timeout?: number
  cwd?: string
  onBytes?: (bytes: Uint8Array) => void
  onLine?: (line: string, stream: 'stdout' | 'stderr') => void
}

/** Progress lines per second: a day of restic's own 60 would fill what is kept of a child's output. */
export const PROGRESS_RATE = '0.1'

/** restic tries again for 15 min; a store that refused this often is away. */
const MAX_RETRIES = 3
const REACH_LIMIT = 120_000
/** How often one operation of a copy is tried again, which takes about a minute: a copy goes on where it stopped. */
const MAX_COPY_RETRIES = 6
/** How often a check is done at most, when a prune came in between. */
const MAX_CHECKS = 3

/** restic on one repository; every failure is one line that says what to do. */
export class Restic {
  readonly repository: Repository
  readonly cache: string
  readonly #binary: string
  readonly #environment: Readonly<Record<string, string>>
  readonly redact: Redact

  /** @param cache where restic keeps copies of a remote repository's index; a folder on this server needs none */
  constructor(binary: string, repository: Repository, path: string, cache: string) {
    this.#binary = binary
    this.cache = cache
    this.repository = repository
    this.#environment = {
      ...repository.env,
      PATH: path,
      HOME: cache,
      RESTIC_CACHE_DIR: cache,
      RESTIC_PROGRESS_FPS: PROGRESS_RATE,
      RESTIC_REPOSITORY: repository.location,
      RESTIC_PASSWORD_FILE: repository.passwordFile,
    }
    const inLocation = /\/\/[^/@:]*:([^/]*)@/.exec(repository.location)?.[1]
    this.redact = redactor([...Object.values(repository.env ?? {}), ...(inLocation === undefined ? [] : [inLocation])])
  }

  get isLocal(): boolean {
    return isLocal(this.repository.location)
  }

  async version(): Promise<string> {
    return /restic (\S+)/.exec(await this.#run(['version']))?.[1] ?? 'unknown'
  }

  /** Makes the repository; `like` gives its chunk boundaries, so that copies of its snapshots deduplicate. */
  async init(like?: Restic): Promise<void> {
    const from = like === undefined ? [] : ['--copy-chunker-params']
    await this.#run(['init', ...from], {}, like === undefined ? {} : fromEnvironment(like.repository))
  }

  /** Its snapshots, null where there is no repository yet. @throws Failure for anything but a repository that is not there */
  async snapshotsIfThere(call: ResticCall = {}): Promise<Snapshot[] | null> {
    const text = await this.#reach(['snapshots', '--json'], call)
    return text === null ? null : parseSnapshots(text)
  }

  /** Its snapshots, read without a lock beside whatever goes on there. @throws Failure `unreachable` also where there is no repository */
  async look(call: ResticCall = {}): Promise<Snapshot[]> {
    const text = await this.#reach(['--no-lock', 'snapshots', '--json'], call)
    if (text === null) throw new Failure('unreachable', `the repository ${this.#where} is not there`)
    return parseSnapshots(text)
  }

  /** @returns null where there is no repository; one that is away is not waited for as long as restic would */
  async #reach(args: readonly string[], call: ResticCall): Promise<string | null> {
    let retries = 0
    const onLine = (line: string) => {
      if (!/retrying after/.test(line)) return
      const refusal = refusalOfCredentials(this.#where, line)
      if (refusal !== null) throw refusal
      if (++retries < MAX_RETRIES) return
      const why = line.replace(/^.*retrying after [^:]*: /, '')
      throw this.#failure(new Failure('unreachable', `the repository ${this.#where} cannot be reached: ${why}`))
    }
    const { code, stdout, stderr } = await this.#try(args, { timeout: REACH_LIMIT, ...call, onLine })
    if (code === 0) return stdout
    const failure = resticFailure(this.#where, code, stderr)
    if (failure.missing) return null
    throw this.#failure(failure.failure)
  }

  /** Stores `paths` as one snapshot. @param time the moment that it counts as, for all snapshots of one backup alike */
  async backup(
    paths: readonly string[],
    tags: readonly string[],
    host: string,
    call: ResticCall = {},
  ): Promise<Stored> {
    const args = ['backup', '--json', '--host', host, ...tags.flatMap((tag) => ['--tag', tag]), '--', ...paths]
    return parseStored(await this.#run(args, call))
  }

  async snapshots(call: ResticCall = {}): Promise<Snapshot[]> {
    return parseSnapshots(await this.#run(['snapshots', '--json'], call))
  }

  /** Forgets snapshots and removes what only they held. */
  async forget(snapshots: readonly string[], call: ResticCall = {}): Promise<void> {
    if (snapshots.length > 0) await this.#run(['forget', '--prune', ...snapshots], call)
  }

  /**
   * restic's own check of every byte, without a lock: it takes hours, and a backup must not wait for it. What a prune removes meanwhile looks
   * like damage, so it is asked again when indexes are gone.
   * @throws Failure `unhealthy` when it finds damage
   */
  async check(call: ResticCall = {}): Promise<void> {
    const args = ['--no-lock', 'check', '--read-data']
    for (let attempt = 1; ; attempt++) {
      const before = await this.#indexes(call)
      try {
        await this.#reading(args, call)
        return
      } catch (thrown) {
        const now = new Set(await this.#indexes(call))
        if (attempt === MAX_CHECKS || before.every((id) => now.has(id))) throw thrown
      }
    }
  }

  async #indexes(call: ResticCall): Promise<string[]> {
    if (this.isLocal) return this.#filesIn('index')
    return (await this.#run(['--no-lock', 'list', 'index'], call)).split('\n').filter(Boolean)
  }

  /** Restores a snapshot, or `include` of it, into `target`. */
  async restore(
    snapshot: string,
    target: string,
    include: readonly string[] = [],
    call: ResticCall = {},
  ): Promise<void> {
    const wanted = include.flatMap((path) => ['--include', path])
    await this.#reading(['restore', snapshot, '--target', target, ...wanted], call)
  }

  /** The bytes of one file in a snapshot. */
  read(snapshot: string, path: string, call: ResticCall = {}): Promise<string> {
    return this.#reading(['dump', snapshot, path], call)
  }

  /**
   * Copies snapshots of another repository into this one, in their order; what is here already costs nothing. A repository that goes away
   * under way is not waited for as long as restic would.
   * @throws Failure `unhealthy` when they cannot be read there
   */
  async copyFrom(source: Restic, snapshots: readonly string[], call: ResticCall = {}): Promise<void> {
    if (snapshots.length === 0) return
    const retries = new Map<string, number>()
    const onLine = (line: string, stream: 'stdout' | 'stderr') => {
      call.onLine?.(line, stream)
      const [, operation, why = ''] = /^(.*), retrying after [^:]*: (.*)$/.exec(line) ?? []
      if (operation === undefined) return
      const again = (retries.get(operation) ?? 0) + 1
      if (again > MAX_COPY_RETRIES) {
        const { failure } = resticFailure(this.#where, 1, line)
        if (isDiskFull(failure)) throw this.#failure(failure)
        const between = `the way between ${source.#where} and ${this.#where} broke`
        throw this.#failure(new Failure('unreachable', `${between}: ${why}; ask again, it goes on`))
      }
      retries.set(operation, again)
    }
    const from = fromEnvironment(source.repository)
    const { code, stdout, stderr } = await this.#try(['copy', ...snapshots], { ...call, onLine }, from)
    if (code === 0) return
    const said = stderr || stdout
    const { failure } = resticFailure(this.#where, code, said)
    // Of what it writes to, a copy reads indexes alone.
    const where = said.includes('<index/') ? `${source.#where} or ${this.#where}` : source.#where
    throw source.#failure(
      this.#failure(failure.kind === 'unhealthy' ? resticFailure(where, code, said).failure : failure),
    )
  }

  /** Removes locks whose process is gone; a live one stays. Where there is no repository yet, there is none to remove. */
  async removeStaleLocks(call: ResticCall = {}): Promise<void> {
    if (this.isLocal && (await this.#filesIn('locks')).length === 0) return
    await this.#reach(['unlock'], call)
  }

  /** The ids of the locks of a repository on this server that were taken on `host`. */
  async locksOf(host: string, call: ResticCall = {}): Promise<string[]> {
    const found: string[] = []
    for (const id of await this.#filesIn('locks')) {
      const { code, stdout } = await this.#try(['cat', 'lock', id, '--no-lock'], call)
      // One that is gone by now was alive.
      if (code === 0 && lockSchema.parse(JSON.parse(stdout)).hostname === host) found.push(id)
    }
    return found
  }

  /** The names in a folder of a repository on this server; to look costs nothing, where to open one takes restic half a second. */
  #filesIn(folder: 'index' | 'locks'): Promise<string[]> {
    return readdir(join(this.repository.location, folder)).catch(() => [])
  }

  get #where(): string {
    return this.redact(this.repository.location)
  }

  async #run(
    args: readonly string[],
    call: ResticCall = {},
    env: Readonly<Record<string, string>> = {},
    otherwise?: FailureKind,
  ): Promise<string> {
    const { code, stdout, stderr } = await this.#try(args, call, env)
    if (code === 0) return stdout
    throw this.#failure(resticFailure(this.#where, code, stderr || stdout, otherwise).failure)
  }

  /** Reads what is stored: where restic cannot, in words that nobody knows, it counts as damaged. */
  #reading(args: readonly string[], call: ResticCall): Promise<string> {
    return this.#run(args, call, {}, 'unhealthy')
  }

  #failure(failure: Failure): Failure {
    return new Failure(failure.kind, this.redact(failure.message))
  }

  #try(args: readonly string[], call: ResticCall, env: Readonly<Record<string, string>> = {}) {
    const cache = this.isLocal ? ['--no-cache'] : []
    const options = (this.repository.options ?? []).flatMap((option) => ['-o', option])
    const { signal, ...rest } = call
    return tryRun(this.#binary, [...options, ...cache, ...args], {
      ...rest,
      ...(signal === undefined ? {} : { signal }),
      env: { ...this.#environment, ...env },
    })
  }
}

function parseSnapshots(text: string): Snapshot[] {
  return z.array(snapshotSchema).nullable().parse(JSON.parse(text)) ?? []
}

/** A repository in a folder of this machine. */
export function isLocal(location: string): boolean {
  return location.startsWith('/')
}

/** Not by an argument, which everybody on the machine can read: the location may hold a password. */
function fromEnvironment({ env, location, passwordFile }: Repository): Record<string, string> {
  return { ...env, RESTIC_FROM_REPOSITORY: location, RESTIC_FROM_PASSWORD_FILE: passwordFile }
}

/** Reads the last line of `restic backup --json`. @throws Error when it is no summary */
export function parseStored(output: string): Stored {
  const last = output.trimEnd().split('\n').at(-1) ?? ''
  const summary = summarySchema.parse(JSON.parse(last))
  return {
    snapshot: summary.snapshot_id,
    files: summary.total_files_processed,
    bytesRead: summary.total_bytes_processed,
    bytesAdded: summary.data_added_packed ?? summary.data_added,
  }
}
