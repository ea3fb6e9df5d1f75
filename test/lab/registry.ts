import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { get } from 'node:https'
import { LabContainer, putFiles } from './container.ts'
import { docker, LAB_LABEL } from './docker.ts'
import { type LabFiles, REGISTRY } from './files.ts'
import { freePorts } from './ports.ts'
import type { LabRecord } from './state.ts'
import {
  DATABASE_REPOSITORY,
  type DatabaseOptions,
  JAVA_REPOSITORY,
  pushDatabase,
  pushJavaDatabase,
} from './vulnerability-database.ts'
import { waitFor } from './wait.ts'

/** The lab's registry, also the engines' mirror of docker.io. TLS by the lab's authority, no login. */
export class Registry extends LabContainer {
  /** The name by which servers and the runner know it. */
  readonly address = REGISTRY
  /** The same registry for clients on the host: `127.0.0.1:<port>`. */
  readonly loopback: string
  readonly #port: number

  constructor({ container, port }: LabRecord['registry'], network: string) {
    super(container, network, 'registry.lab')
    this.loopback = `127.0.0.1:${port}`
    this.#port = port
  }

  /** Where the vulnerability database of today lies. */
  get database(): string {
    return `${this.address}/${DATABASE_REPOSITORY}:2`
  }

  /** Where the index of jars lies. */
  get javaDatabase(): string {
    return `${this.address}/${JAVA_REPOSITORY}:1`
  }

  /** Lays another database beside that of today. @param ca of the lab @returns its repository with tag */
  async publishDatabase(ca: Uint8Array, options: Required<DatabaseOptions>): Promise<string> {
    await pushDatabase(this.#port, ca, options)
    return `${this.address}/${DATABASE_REPOSITORY}:${options.tag}`
  }
}

export async function startRegistry(
  lab: string,
  image: string,
  network: string,
  files: LabFiles,
): Promise<LabRecord['registry']> {
  const container = `pacs-lab-${lab}-registry`
  const [port = 0] = await freePorts(1)
  await docker([
    'create',
    ...['--name', container, '--hostname', 'registry.lab', '--label', `${LAB_LABEL}=${lab}`],
    ...['--network', network, '--network-alias', 'registry.lab', '-p', `127.0.0.1:${port}:5000`, image],
  ])
  await putFiles(container, await files.forRegistry(), files.folder)
  await docker(['start', container])
  const ca = await readFile(files.authority.certificate)
  await waitFor('the registry to answer', () => answers(port, ca), 30_000)
  await Promise.all([pushDatabase(port, ca), pushJavaDatabase(port, ca)])
  return { container, port }
}

async function answers(port: number, ca: Uint8Array): Promise<boolean> {
  const request = get({ host: '127.0.0.1', port, path: '/v2/', ca: Buffer.from(ca), agent: false })
  const [response]: IncomingMessage[] = await once(request, 'response')
  response?.resume()
  return response?.statusCode === 200
}
