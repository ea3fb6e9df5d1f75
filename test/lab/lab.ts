import { randomBytes } from 'node:crypto'
import { messageOf } from '../../src/lib/index.ts'
import { ensureDebian12 } from './debian12.ts'
import { docker, LAB_LABEL } from './docker.ts'
import { ensureEngine } from './engine.ts'
import { LabError } from './errors.ts'
import { LabFiles } from './files.ts'
import { needPrograms } from './host-packages.ts'
import { ensureImages, type ImageSet } from './image-set.ts'
import { Machine, startMachine } from './machine.ts'
import { Progress } from './progress.ts'
import { Registry, startRegistry } from './registry.ts'
import { removeLab } from './remove.ts'
import { onKeptDisk } from './runner-disk.ts'
import { claimStateFolder, type LabRecord, readRecord, stateFolder, writeRecord } from './state.ts'

export interface LabOptions {
  /** Chosen at random when left out. */
  name?: string
  /** Names of the servers; `staging` and `production` when left out. */
  servers?: readonly string[]
  /** Whether there is a runner too; there is unless this is false. */
  runner?: boolean
  /** Name of the disk on which the runner finds the images and caches of the one before it; it begins empty when left out. */
  runnerDisk?: string
  /** Whether there is a further server, `debian12`, of that system with its own old Docker; there is not unless this is true. */
  debian12?: boolean
  progress?: Progress
}

/** ssh, HTTP, HTTPS and DICOM. */
const SERVER_PORTS = [22, 80, 443, 4242]

const DEBIAN_12 = 'debian12'

/** A throwaway registry, servers and runner on the host's engine. `await using` takes it down. */
export class Lab {
  readonly name: string
  readonly network: string
  readonly registry: Registry
  /** By name. */
  readonly servers: ReadonlyMap<string, Machine>
  readonly files: LabFiles
  readonly #runner: Machine | undefined

  constructor(record: LabRecord, files: LabFiles) {
    this.name = record.name
    this.network = record.network
    this.files = files
    this.registry = new Registry(record.registry, record.network)
    this.servers = new Map(record.servers.map((server) => [server.name, new Machine(server, record.network)]))
    this.#runner = record.runner && new Machine(record.runner, record.network)
  }

  server(name: string): Machine {
    const found = this.servers.get(name)
    if (found === undefined)
      throw new LabError(`lab ${this.name} has no server ${name}: ${[...this.servers.keys()].join(', ')}`)
    return found
  }

  get runner(): Machine {
    if (this.#runner === undefined) throw new LabError(`lab ${this.name} was started without a runner`)
    return this.#runner
  }

  get hasRunner(): boolean {
    return this.#runner !== undefined
  }

  /** Path of the authority's certificate on the host. */
  get ca(): string {
    return this.files.authority.certificate
  }

  /** Path on the host of the private key that opens root's (and, where a test says so, pacs') login. */
  get sshKey(): string {
    return this.files.sshKey
  }

  /** Removes everything that the lab made. */
  down(): Promise<void> {
    return removeLab(this.name)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.down()
  }
}

/**
 * Brings a lab up: engine, images, network, registry, servers, runner. What a start that failed made is removed.
 * @throws LabError whatever the cause
 */
export async function startLab(options: LabOptions = {}): Promise<Lab> {
  const progress = options.progress ?? new Progress()
  const name = options.name ?? `lab-${randomBytes(3).toString('hex')}`
  try {
    if (process.arch !== 'x64') throw new LabError(`the lab's images are for x64, this machine is ${process.arch}`)
    await ensureEngine(progress)
    await needPrograms(['ssh', 'ssh-keygen', 'openssl'], progress)
    const images = await ensureImages(progress)
    const debian12 = options.debian12 ? await ensureDebian12(images.server, progress) : null
    const folder = await claimStateFolder(name)
    try {
      return await progress.step(`start lab ${name}`, () => assemble(name, folder, { ...images, debian12 }, options))
    } catch (thrown) {
      await removeLab(name)
      throw thrown
    }
  } catch (thrown) {
    if (thrown instanceof LabError) throw thrown
    throw new LabError(`the lab could not be started: ${messageOf(thrown)}`, { cause: thrown })
  }
}

/** A lab that is up, maybe brought up by another process. @throws LabError when there is none of this name */
export async function openLab(name: string): Promise<Lab> {
  const record = await readRecord(name)
  if (record === undefined) throw new LabError(`no lab named ${name} is up: npm run lab -- up --name ${name}`)
  return new Lab(record, new LabFiles(await stateFolder(name)))
}

async function assemble(
  name: string,
  folder: string,
  images: ImageSet & { debian12: string | null },
  options: LabOptions,
): Promise<Lab> {
  const { servers: usual = ['staging', 'production'], runner = true, runnerDisk } = options
  const servers = images.debian12 === null ? usual : [...usual, DEBIAN_12]
  const network = `pacs-lab-${name}`
  const files = new LabFiles(folder)
  const label = ['--label', `${LAB_LABEL}=${name}`]
  await docker(['network', 'create', ...label, '--opt', 'com.docker.network.driver.mtu=1400', network])
  await files.create(name, servers)
  const machine = { lab: name, network, files: await files.forMachine() }
  const registry = startRegistry(name, images.library, network, files)
  const spec = {
    ...machine,
    files: await files.forMachine({ 'containerd-snapshotter': true }),
    name: 'runner',
    image: images.runner,
    memory: '4g',
    ports: [],
    env: runnerEnv,
  }
  const startRunner = (mounts?: readonly string[]) => startMachine(spec, mounts)
  const runs = runner ? (runnerDisk === undefined ? startRunner() : onKeptDisk(runnerDisk, startRunner)) : undefined
  const serve = servers.map((server) =>
    startMachine({
      ...machine,
      name: server,
      image: (server === DEBIAN_12 && images.debian12) || images.server,
      memory: '2g',
      ports: SERVER_PORTS,
    }),
  )
  // All have ended, well or not, before a failure is cleaned up: nothing is made after the removal.
  await Promise.allSettled([registry, runs, ...serve])
  const record: LabRecord = {
    name,
    network,
    created: new Date().toISOString(),
    registry: await registry,
    servers: await Promise.all(serve),
    ...(runs === undefined ? {} : { runner: await runs }),
  }
  await writeRecord(folder, record)
  return new Lab(record, files)
}

/** Node and other clients in the runner trust the lab's authority; git, curl and the engine find it in the system's bundle. */
const runnerEnv = {
  NODE_EXTRA_CA_CERTS: '/etc/ssl/certs/ca-certificates.crt',
  SSL_CERT_FILE: '/etc/ssl/certs/ca-certificates.crt',
  XDG_CACHE_HOME: '/var/cache/lab',
}
