import { docker, IMAGE_LABEL, ids, LAB_LABEL } from './docker.ts'
import { openLab } from './lab.ts'
import type { Machine } from './machine.ts'
import { readRecord } from './state.ts'

interface MachineStatus {
  name: string
  hostname: string
  container: string
  hostKey: string
  /** Port inside → address on the host's loopback. */
  addresses: Record<string, string>
}

export interface LabStatus {
  name: string
  /** False when it is still starting, or was killed while it started. */
  up: boolean
  containers: string[]
  details?: {
    network: string
    ca: string
    caBundle: string
    sshKey: string
    registry: { address: string; loopback: string; container: string }
    servers: MachineStatus[]
    runner?: MachineStatus
    /** Public name of a server → its certificate and key. */
    certificates: Record<string, { certificate: string; key: string }>
  }
}

/** What is there of the lab `name`. */
export async function labStatus(name: string): Promise<LabStatus> {
  const filter = `label=${LAB_LABEL}=${name}`
  const containers = await ids(['ps', '-a', '--filter', filter, '--format', '{{.Names}} ({{.Status}})'])
  if ((await readRecord(name)) === undefined) return { name, up: false, containers: containers.sort() }
  const lab = await openLab(name)
  const servers = [...lab.servers.values()]
  return {
    name,
    up: true,
    containers: containers.sort(),
    details: {
      network: lab.network,
      ca: lab.ca,
      caBundle: lab.files.authority.bundle,
      sshKey: lab.sshKey,
      registry: { address: lab.registry.address, loopback: lab.registry.loopback, container: lab.registry.container },
      servers: servers.map(machineStatus),
      ...(lab.hasRunner ? { runner: machineStatus(lab.runner) } : {}),
      certificates: Object.fromEntries(servers.map(({ hostname }) => [hostname, lab.files.authority.issued(hostname)])),
    },
  }
}

/** Tags of the lab's images on the host's engine. */
export async function labImages(): Promise<string[]> {
  const text = await docker(['image', 'ls', '--filter', `label=${IMAGE_LABEL}`, '--format', '{{.Repository}}:{{.Tag}}'])
  return text.split('\n').filter((tag) => tag.startsWith('pacs-deploy-lab/'))
}

function machineStatus(machine: Machine): MachineStatus {
  const { name, hostname, container, hostKey, ports } = machine
  const addresses = [...ports].map(([inside, outside]) => [String(inside), `127.0.0.1:${outside}`])
  return { name, hostname, container, hostKey, addresses: Object.fromEntries(addresses) }
}
