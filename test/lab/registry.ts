import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { get } from 'node:https'
import { LabContainer, putFiles } from './container.ts'
import { docker, LAB_LABEL } from './docker.ts'
import { type LabFiles, REGISTRY } from './files.ts'
import { freePorts } from './ports.ts'
import type { LabRecord } from './state.ts'
import { waitFor } from './wait.ts'

/** The lab's registry, also the engines' mirror of docker.io. TLS by the lab's authority, no login. */
export class Registry extends LabContainer {
  /** The name by which servers and the runner know it. */
  readonly address = REGISTRY
  /** The same registry for clients on the host: `127.0.0.1:<port>`. */
  readonly loopback: string

  constructor({ container, port }: LabRecord['registry'], network: string) {
    super(container, network, 'registry.lab')
    this.loopback = `127.0.0.1:${port}`
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
  return { container, port }
}

async function answers(port: number, ca: Uint8Array): Promise<boolean> {
  const request = get({ host: '127.0.0.1', port, path: '/v2/', ca: Buffer.from(ca), agent: false })
  const [response]: IncomingMessage[] = await once(request, 'response')
  response?.resume()
  return response?.statusCode === 200
}
