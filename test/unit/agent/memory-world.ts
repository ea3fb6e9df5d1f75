// A server in memory: the engine, Traefik and the disk that outlive an agent, and a world over them that can die at any effect.
import { z } from 'zod'
import type { DataPlan } from '../../../src/agent/data/data-plan.ts'
import type { DataJobs } from '../../../src/agent/data/jobs.ts'
import type { Edge } from '../../../src/agent/server/edge.ts'
import type { Container, Engine } from '../../../src/agent/server/engine.ts'
import type { Answer } from '../../../src/agent/server/probe.ts'
import type { CoreService, LiveFiles } from '../../../src/agent/transaction/core-definition.ts'
import type { Planner } from '../../../src/agent/transaction/planner.ts'
import { emptyState, type Instance, type State } from '../../../src/agent/transaction/state.ts'
import type { Certificate } from '../../../src/agent/transaction/traffic.ts'
import type { Plan, Release, World } from '../../../src/agent/transaction/world.ts'
import { badInput, refused } from '../../../src/lib/index.ts'
import { type LedgerEntry, mayRun, turnsOf } from '../../../src/migrations/index.ts'
import { contentHash, parseManifest, sha256 } from '../../../src/release/index.ts'

/** What a release does once it runs. */
export interface Behaviour {
  /** Never answers its readiness check; Docker calls it unhealthy after 20 looks. */
  neverReady?: boolean
  /** Answers its own checks and the preview, and 500 to the public. */
  publicErrors?: boolean
}

export class Crash extends Error {}

const trafficSchema = z.object({
  http: z
    .object({
      routers: z.record(z.string(), z.object({ rule: z.string(), service: z.string() })),
      services: z.record(
        z.string(),
        z.object({ loadBalancer: z.object({ servers: z.array(z.object({ url: z.string() })) }) }),
      ),
    })
    .optional(),
})
type Traffic = z.infer<typeof trafficSchema>

/** What survives the agent: it is handed from one world to the next. */
export class Server {
  state: State = emptyState
  containers = new Map<string, Container & { looks: number }>()
  /** Containers that were told to stop by an agent which died meanwhile: they end a little later. */
  stopping: string[] = []
  /** The instances' own networks: the instance of each, by project. */
  networks = new Map<string, string>()
  traffic: Traffic = {}
  targets = ''
  behaviours = new Map<string, Behaviour>()
  instances = new Map<string, Instance>()
  images = new Set<string>()
  /** What agents have on its way to the disk. */
  writes = new Set<Promise<unknown>>()
  /** What lies in the volumes of archives. */
  volumes = new Map<string, { images: boolean; sqlite: string | null }>()
  time = Date.UTC(2026, 10, 24, 10)
  requests = 0
  trafficBroken = false
  /** The gauge of each container. */
  inFlight = '0'
  config = 'c0ffee0123456789'
  certificate: Certificate | null = null
  /** What the release that is asked for defines as its core, and every definition that ever was one. */
  core: CoreService[] = []
  definitions = new Map<string, CoreService>()
  /** The live files `a` and `b` of core services, each by its version, and those that each service has read. */
  files = new Map<string, { a: string; b: string }>()
  loaded = new Map<string, string>()
  /** Versions of live files that end a service which reads them; the engine starts it anew. */
  deadly = new Set<string>()
  /** Versions of live files of which a service is unhealthy as long as it runs by them. */
  sickening = new Set<string>()
  /** A change by whichever agent lives now. */
  effect: (name: string, change: () => void) => Promise<void> = async () => undefined
  /** The ids of applied contracts and expands; null where the stack has no database. */
  ledger: { id: string; phase: 'expand' | 'data' | 'contract' }[] | null = null
  /** A document that someone edited after a migration wrote it. */
  edited: string | null = null
  /** Migrations of which nobody's word is needed. */
  settled: string[] = []
  backups = 0
  /** The release by which the last backup was planned. */
  backedUp = ''
  /** How old the newest backup may be (milliseconds) for none to be taken, of the last question for one. */
  backupNotOlderThan: number | undefined
  /** Whether that left the copy off the server to the next one. */
  backupCopiesLater: boolean | undefined
  tidied = 0
  backupsFail = false
  /** A backup goes on until it is ended. */
  backupsLast = false
  /** A verification takes until this resolves. */
  verifiable = async (): Promise<void> => undefined
  /** The transaction that ran at each prune. */
  prunedDuring: (string | null)[] = []
  /** Everything that broke an invariant, with the effect after which it was seen. */
  broken: string[] = []

  /** The instance that the public is led to, and whether it fully serves. */
  public(): { instance: string | null; serves: boolean } {
    const service = this.traffic.http?.routers['public-web']?.service
    if (!service) return { instance: null, serves: false }
    const i8 = service.slice('web-'.length)
    const names =
      this.traffic.http?.services[service]?.loadBalancer.servers.map(({ url }) => new URL(url).hostname) ?? []
    const running = names.length > 0 && names.every((name) => this.containers.get(name)?.running)
    return { instance: i8, serves: running && !this.behaviours.get(this.instances.get(i8)?.release ?? '')?.neverReady }
  }
}

/** A core service as number `version` of its definition, with version number `files` of its live files where it has any. */
export function memoryCore(server: Server, name: string, version: number, files?: number): CoreService {
  const container = `pacs-${name}-1`
  const file = `${name}-${version}`
  const service = {
    name,
    after: [],
    hash: files === undefined ? file : `${file}.f${files}`,
    image: `registry.example/pacs/${name}`,
    container,
    writes: [`pacs-${name}`],
    edge: name === 'edge' ? ['pacs-app'] : null,
    project: { name: 'pacs', file, directory: '/d', env: {} },
    grace: 10,
    live: files === undefined ? null : memoryFiles(server, name, `f${files}`),
    archive: null,
    materialize: async () => undefined,
  }
  server.definitions.set(service.hash, service)
  server.definitions.set(file, service)
  return service
}

function memoryFiles(server: Server, name: string, version: string): LiveFiles {
  return {
    signal: 'SIGHUP',
    version,
    async place(wanted) {
      for (const file of ['a', 'b'] as const) {
        await server.effect('place', () => {
          const files = server.files.get(name) ?? { a: '', b: '' }
          server.files.set(name, { ...files, [file]: wanted })
        })
      }
    },
    seen: async (wanted) => new Map(['a', 'b'].map((file) => [`/etc/${file}`, wanted])),
  }
}

interface Sleeper {
  at: number
  wake: () => void
}

/** One life of an agent on a server. `dieAt` counts effects from 1; `after` says whether that effect still takes place. */
export class MemoryWorld implements World {
  readonly server: Server
  effects = 0
  #dieAt: number
  readonly #after: boolean
  #dead = false
  readonly #sleepers: Sleeper[] = []
  #pumping = false
  trace: string[] = []
  died: Promise<void>
  #die: () => void = () => undefined

  constructor(server: Server, dieAt = Number.POSITIVE_INFINITY, after = false) {
    this.server = server
    this.#dieAt = dieAt
    this.#after = after
    server.effect = (name, change) => this.#effect(name, change)
    this.died = new Promise((resolve) => {
      this.#die = resolve
    })
  }

  /** Dies at the effect that comes as number `count` from here. */
  dieIn(count: number): void {
    this.#dieAt = this.effects + count
  }

  /** Dies between two effects. */
  kill(): void {
    this.#dead = true
    this.#die()
  }

  get dead(): boolean {
    return this.#dead
  }

  /** A change of the world: the points at which an agent can die. `begin` is what of it goes on without the agent. */
  async #effect<T>(name: string, change: () => T, begin: () => void = () => undefined): Promise<T> {
    if (this.#dead) return new Promise(() => undefined)
    for (const stopped of this.server.stopping.splice(0)) {
      const container = this.server.containers.get(stopped)
      if (container) container.running = false
    }
    this.effects += 1
    this.trace.push(name)
    const last = this.effects === this.#dieAt
    if (last && !this.#after) begin()
    const result = last && !this.#after ? undefined : change()
    this.#checkInvariants(name)
    if (last) {
      this.#dead = true
      this.#die()
      // A dead process neither returns nor throws.
      return new Promise(() => undefined)
    }
    return result as T
  }

  /** I2: once something serves, the public is led to an instance that fully serves, at every instant. */
  #checkInvariants(effect: string): void {
    if (this.server.state.serving === null) return
    const { instance, serves } = this.server.public()
    if (!serves)
      this.server.broken.push(`after ${effect} (${this.effects}): public is led to ${instance}, which does not serve`)
  }

  readonly store = ((world: MemoryWorld) => ({
    get state() {
      return world.server.state
    },
    write: (next: State) =>
      world.#effect(`write ${next.phase}`, () => {
        world.server.state = structuredClone(next)
      }),
  }))(this)

  readonly engine: Engine = {
    version: async () => '26.1.5',
    composeVersion: async () => '2.26.1',
    has: async (reference) => this.server.images.has(reference),
    pull: (reference) => this.#effect('pull', () => void this.server.images.add(reference)),
    resolve: async () => '{}',
    create: (project) =>
      this.#effect('create', () => {
        const core = this.server.definitions.get(project.file)
        if (core) {
          // Compose makes a service's container anew where that has another name.
          for (const { name, service } of [...this.server.containers.values()])
            if (service === core.name && name !== core.container) this.server.containers.delete(name)
          this.#put(core.container, core.name, project.name, { definition: project.file }, core.writes)
        }
        const instance = this.server.instances.get(project.name.slice('pacs-'.length))
        if (instance) this.server.networks.set(project.name, instance.instance)
        for (const service of instance?.services ?? []) {
          for (const name of service.containers) {
            this.#put(name, service.name, project.name, { 'pacs.instance': instance?.instance ?? '' })
          }
        }
      }),
    start: async (names) => {
      for (const name of names) {
        await this.#effect('start', () => {
          const container = this.server.containers.get(name)
          if (!container) throw new Error(`no container ${name}`)
          container.running = true
          container.address = name
          this.#load(container)
        })
      }
    },
    signal: (name) =>
      this.#effect('signal', () => {
        const container = this.server.containers.get(name)
        if (!container?.running) throw new Error(`${name} is not running`)
        this.#load(container)
      }),
    readInside: async (name, path) => {
      const files = this.server.files.get(this.server.containers.get(name)?.service ?? '')
      return (path === '/etc/a' ? files?.a : files?.b) ?? null
    },
    hasVolume: async (volume) => this.server.volumes.has(volume),
    archiveIn: async (volume, image) => {
      if (!this.server.images.has(image)) throw new Error(`${image} was not pulled`)
      return this.server.volumes.get(volume) ?? { images: false, sqlite: null }
    },
    containers: async (by) => {
      if (this.#dead) return new Promise(() => undefined)
      const [key, value] = 'label' in by ? by.label.split('=') : []
      const found = [...this.server.containers.values()].filter((one) =>
        'names' in by
          ? by.names.includes(one.name)
          : key === 'com.docker.compose.project'
            ? value === undefined || one.project === value
            : key !== undefined && (value === undefined ? key in one.labels : one.labels[key] === value),
      )
      for (const one of found) {
        one.looks += 1
        const behaviour = this.#behaviourOf(one)
        const isSick = [...this.server.sickening].some((version) =>
          this.server.loaded.get(one.service)?.includes(version),
        )
        // The engine looks every 2 s and says until then what it saw last.
        if (this.server.time < (one.lastCheck?.at ?? 0) + 2000) continue
        one.lastCheck = { at: this.server.time, passed: !isSick }
        if (isSick) one.health = 'unhealthy'
        else one.health = !behaviour.neverReady ? 'healthy' : one.looks > 20 ? 'unhealthy' : 'starting'
      }
      return found.map((one) => ({ ...one }))
    },
    remove: (names) =>
      this.#effect(
        'remove',
        () => {
          for (const name of names) this.server.containers.delete(name)
        },
        () => this.server.stopping.push(...names),
      ),
    networks: async () => [...this.server.networks].map(([project, instance]) => ({ project, instance })),
    removeNetworks: (project) => this.#effect('remove networks', () => void this.server.networks.delete(project)),
    removeImages: async () => undefined,
    freeDisk: async () => 100 * 1024 ** 3,
  }

  async writeTargets(text: string): Promise<void> {
    if (text === this.server.targets) return
    await this.#effect('targets', () => {
      this.server.targets = text
    })
  }

  readonly edge = {
    write: (text: string) =>
      this.#effect('traffic', () => {
        this.server.traffic = trafficSchema.parse(JSON.parse(text))
      }),
    routers: async () =>
      new Map(
        Object.entries(this.server.traffic.http?.routers ?? {}).map(([name, router]) => [
          name,
          { service: router.service, status: this.server.trafficBroken ? 'disabled' : 'enabled' },
        ]),
      ),
    requests: async (): ReturnType<Edge['requests']> => {
      this.server.requests += 30
      const { instance } = this.server.public()
      const bad = this.server.behaviours.get(this.server.instances.get(instance ?? '')?.release ?? '')?.publicErrors
      return new Map([[`web-${instance}`, { total: this.server.requests, errors: bad ? this.server.requests : 0 }]])
    },
    ask: async (_host: string, _path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> => {
      const routers = this.server.traffic.http?.routers ?? {}
      const preview = Object.values(routers).find(({ rule }) => rule.includes(headers['X-Pacs-Preview'] ?? '\0'))
      const service = (preview ?? routers['public-web'])?.service
      return service
        ? { status: 200, headers: { 'x-pacs-instance': service.slice('web-'.length) }, body: '' }
        : { error: 'no router' }
    },
  }

  #put(
    name: string,
    service: string,
    project: string,
    labels: Container['labels'],
    writes: Container['writes'] = [],
  ): void {
    if (this.server.containers.has(name)) return
    const fresh = { running: false, health: 'starting', exitCode: 0, address: null, looks: 0 } as const
    const never = { startedAt: '', lastCheck: null }
    this.server.containers.set(name, {
      id: name,
      name,
      service,
      project,
      labels,
      writes,
      networks: ['pacs-app'],
      ...fresh,
      ...never,
    })
  }

  /** The process of a core service reads its live files; one that they end is another process afterwards. */
  #load(container: Container): void {
    const files = this.server.files.get(container.service)
    if (!files) return
    this.server.loaded.set(container.service, `${files.a} ${files.b}`)
    if (Object.values(files).some((version) => this.server.deadly.has(version))) container.startedAt += '.'
  }

  #behaviourOf(container: Container): Behaviour {
    const instance = [...this.server.instances.values()].find(
      (one) => one.instance === container.labels['pacs.instance'],
    )
    return this.server.behaviours.get(instance?.release ?? '') ?? {}
  }

  async probe(address: string): Promise<Answer> {
    if (this.#dead) return new Promise(() => undefined)
    const container = this.server.containers.get(address)
    if (!container?.running) return { error: 'connection refused' }
    return this.#behaviourOf(container).neverReady
      ? { status: 503, headers: {}, body: '' }
      : { status: 200, headers: {}, body: `in_flight ${this.server.inFlight}\n` }
  }

  readonly jobs: DataJobs = {
    judge: async (_access, migrations) => {
      const ledger = this.server.ledger ?? []
      const pending = (phase: string) =>
        migrations.filter((one) => one.phase === phase && !ledger.some(({ id }) => id === one.id)).map(({ id }) => id)
      const waiting = (phase: LedgerEntry['phase']) => turnsOf(migrations, ledger.map(ledgerEntry), phase).waiting
      return {
        refusals: mayRun(migrations, ledger.map(ledgerEntry)),
        pending: { expand: pending('expand'), data: pending('data'), contract: pending('contract') },
        waiting: { expand: waiting('expand'), data: waiting('data'), contract: waiting('contract') },
        begun: ledger.map(({ id }) => id),
      }
    },
    migrate: async ({ release, phase }, { signal }) => {
      const done = new Set(this.server.ledger?.map(({ id }) => id))
      for (const migration of release.manifest.migrations) {
        if (migration.phase !== phase || done.has(migration.id)) continue
        signal.throwIfAborted()
        await this.#effect('migrate', () => void this.server.ledger?.push(migration))
      }
      return `${phase} is applied`
    },
    undo: async ({ to, keep, askOnly = false }, { signal }) => {
      if (this.server.edited !== null && !keep.includes(this.server.edited))
        throw refused(`decide: ${this.server.edited}`)
      if (askOnly) return ''
      const gone = (this.server.ledger ?? []).filter(({ id }) => to === null || id > to).map(({ id }) => id)
      for (const id of gone.toReversed()) {
        signal.throwIfAborted()
        await this.#effect('undo', () => {
          this.server.ledger = this.server.ledger?.filter((one) => one.id !== id) ?? null
        })
      }
      return `undone: ${gone.toReversed().join(', ')}`
    },
    mark: async ({ migration, as, release, askOnly = false }, { signal }) => {
      signal.throwIfAborted()
      if (this.server.settled.includes(migration)) throw refused(`${migration}: there is nothing to settle`)
      if (askOnly) return `${migration} may be marked ${as}`
      const [known] = release.manifest.migrations.filter(({ id }) => id === migration)
      if (known === undefined) throw badInput(`${migration} is no migration of this release`)
      return this.#effect('mark', () => {
        const others = (this.server.ledger ?? []).filter(({ id }) => id !== migration)
        this.server.ledger = as === 'applied' ? [...others, known] : others
        return `${migration} is marked ${as}`
      })
    },
    backup: async ({ data, unlessNewerThan, copyLater }, { signal }) => {
      this.server.backedUp = data.release
      this.server.backupNotOlderThan = unlessNewerThan
      this.server.backupCopiesLater = copyLater
      if (this.server.backupsFail) throw refused('the disk is full')
      if (this.server.backupsLast && !signal.aborted) await new Promise((end) => signal.addEventListener('abort', end))
      signal.throwIfAborted()
      return this.#effect('backup', () => `backup ${++this.server.backups} is complete`)
    },
    list: async () => ({ repositories: [] }),
    tidy: async () => void this.server.tidied++,
    verify: async (_work, { signal }) => {
      signal.throwIfAborted()
      const aborted = new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
      await Promise.race([this.server.verifiable(), aborted])
      const passed = this.server.backups > 0
      const [outcome, message] = passed
        ? (['passed', 'it restores'] as const)
        : (['failed', 'it does not restore'] as const)
      const at = new Date(this.now()).toISOString()
      const found = {
        backup: '',
        repository: '',
        startedAt: at,
        finishedAt: at,
        outcome,
        holds: {},
        lost: null,
        levels: [],
      }
      return { passed, message, details: '| level |', verification: found }
    },
    restore: (_work, { signal }) => {
      signal.throwIfAborted()
      return this.#effect('restore', () => 'restored')
    },
  }

  oldDefinition = async (_service: string, hash: string) => this.server.definitions.get(hash) ?? null
  certificateOf = async (_instance: Instance): Promise<Certificate | null> => null
  publicHostOf = async () => 'pacs.example'
  availableMemory = async () => 8 * 1024 ** 3
  now = () => this.server.time
  randomSecret = () => 'preview-secret'

  /** Time passes only when everybody sleeps. */
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#dead) return
      if (signal?.aborted) return reject(signal.reason)
      const sleeper: Sleeper = { at: this.server.time + ms, wake: resolve }
      this.#sleepers.push(sleeper)
      signal?.addEventListener('abort', () => {
        const index = this.#sleepers.indexOf(sleeper)
        if (index >= 0) this.#sleepers.splice(index, 1)
        reject(signal.reason)
      })
      this.#pump()
    })
  }

  #pump(): void {
    if (this.#pumping) return
    this.#pumping = true
    setImmediate(() => {
      this.#pumping = false
      if (this.#dead) return
      this.#sleepers.sort((a, b) => a.at - b.at)
      const next = this.#sleepers.shift()
      if (!next) return
      this.server.time = Math.max(this.server.time, next.at)
      next.wake()
      if (this.#sleepers.length > 0) this.#pump()
    })
  }
}

function ledgerEntry({ id, phase }: { id: string; phase: LedgerEntry['phase'] }): LedgerEntry {
  const who = { run: '', actor: 'jane', host: 'pacs', owner: 'token' }
  const at = new Date(0)
  const end = { startedAt: at, finishedAt: at, progress: {}, error: null }
  return { _id: id, sha256: sha256(id), phase, state: 'applied', ...who, ...end }
}

const MIGRATIONS = [
  { id: '001_expand', phase: 'expand', since: 7 },
  { id: '002_data', phase: 'data', since: 7 },
  { id: '003_contract', phase: 'contract', since: 8 },
] as const

/** A release of one service `web`; `number` makes its commit and id. 7 brings an expand and its data migration, 8 the contract, 9 another content of the data migration. */
export function memoryRelease(number: number): Release {
  const commit = number.toString(16).padStart(40, '0')
  const id = `2026112${number}t100000z-${commit.slice(0, 12)}`
  const image = { ref: 'registry.example/pacs/web', digest: sha256(`d${number}`), config: sha256(`c${number}`) }
  const manifest = parseManifest(
    'test',
    JSON.stringify({
      schema: 1,
      id,
      commit,
      repository: 'org/pacs',
      actor: 'jane',
      run: '',
      created: '2026-11-01T10:00:00.000Z',
      images: { web: { ...image, platform: 'linux/amd64', verdict: null } },
      migrations: MIGRATIONS.filter(({ since }) => number >= since).map(({ id, phase }) => ({
        id,
        sha256: sha256(number === 9 && phase === 'data' ? `${id} edited` : id),
        phase,
      })),
      stack: sha256('stack'),
      agent: { version: '0.1.0', sha256: sha256('agent') },
    }),
  )
  const reference = `registry.example/pacs/release@${sha256(id)}`
  return { id: manifest.id, reference, manifest, directory: `/releases/${id}` }
}

/** Plans releases of one service without a core. */
export function memoryPlanner(server: Server): Planner {
  const known = new Map<string, Release>()
  const config = async (revision = server.config) => ({
    revision,
    directory: '/config',
    env: {},
    certificate: server.certificate,
  })
  return {
    async fetch(reference) {
      for (let number = 1; number < 10; number++) known.set(memoryRelease(number).reference, memoryRelease(number))
      const release = known.get(reference)
      if (!release) throw new Error(`no release ${reference}`)
      return release
    },
    async open(id) {
      for (let number = 1; number < 10; number++) if (memoryRelease(number).id === id) return memoryRelease(number)
      throw new Error(`no release ${id}`)
    },
    sealConfig: () => config(),
    openConfig: (revision) => config(revision),
    async plan(release, { revision }): Promise<Plan> {
      const name = `${release.id}-${revision.slice(0, 8)}`
      const i8 = sha256(name).slice('sha256:'.length, 'sha256:'.length + 8)
      const instance: Instance = {
        instance: name,
        i8,
        release: release.id,
        reference: release.reference,
        config: revision,
        content: contentHash(release.manifest),
        commit: release.manifest.commit,
        edge: null,
        services: [
          {
            name: 'web',
            containers: [`pacs-${i8}-web-${i8}-1`, `pacs-${i8}-web-${i8}-2`],
            port: 3000,
            route: 'PathPrefix(`/`)',
            middlewares: [],
            routes: [],
            ready: '/ready',
            checks: [{ path: '/', status: 200 }],
            assets: '/assets',
            critical: true,
            metrics: { port: 9464, path: '/metrics', inFlight: 'in_flight' },
            grace: 10,
            startLimit: 30_000,
          },
        ],
      }
      server.instances.set(i8, instance)
      const project = { name: `pacs-${i8}`, file: '/f', directory: '/d', env: {} }
      const images = [release.reference]
      return { release, instance, project, images, memory: 1, publicHost: 'pacs.example', data: memoryData(server) }
    },
    planCore: async () => server.core,
    planData: async ({ id }) => ({ ...memoryData(server), release: id }),
    prune: async () => void server.prunedDuring.push(server.state.transaction?.id ?? null),
  }
}

export const memoryLogin = { port: 27017, database: 'pacs', username: 'migrations', password: 'memory-password' }

function memoryData({ ledger }: Server): DataPlan {
  const repository = { location: '/backups', passwordFile: '/password', env: {} }
  const login = { service: 'mongodb', migrate: memoryLogin, backup: { ...memoryLogin, username: 'backup' } }
  const files = {
    archives: [],
    caches: [],
    folders: [],
    repository,
    second: null,
    release: '',
    versions: {},
    stack: '/stack',
  }
  return { database: ledger && login, ...files }
}
