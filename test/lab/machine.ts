import { LabContainer, putFiles } from './container.ts'
import { docker, LAB_LABEL, tryDocker } from './docker.ts'
import type { InitialFile } from './files.ts'
import { freePorts } from './ports.ts'
import { type MachineRecord, stateFolder } from './state.ts'
import { waitFor } from './wait.ts'

/** Milliseconds within which a machine must be up: seconds are usual, a busy host is slower. */
const UP_LIMIT = 120_000

/** What systemd and an engine need in a container where the engine gives no --privileged. */
const CAPABILITIES = ['SYS_ADMIN', 'NET_ADMIN', 'SYS_PTRACE', 'SYS_CHROOT', 'NET_RAW', 'MKNOD']

/** A container with systemd, sshd and an engine of its own, as a server or a runner has them. */
export class Machine extends LabContainer {
  readonly name: string
  /** The ed25519 host key as known_hosts holds it: `ssh-ed25519 AAAA…`. */
  readonly hostKey: string
  /** Port inside → port on the host. */
  readonly ports: ReadonlyMap<number, number>

  constructor(record: MachineRecord, network: string) {
    super(record.container, network, `${record.name}.lab`)
    this.name = record.name
    this.hostKey = record.hostKey
    this.ports = new Map(Object.entries(record.ports).map(([inside, outside]) => [Number(inside), outside]))
  }

  /** The port of the host's loopback that leads to `inside`. It stays the same when the machine is started again. */
  port(inside: number): number {
    const outside = this.ports.get(inside)
    if (outside === undefined)
      throw new Error(`${this.hostname} publishes ${[...this.ports.keys()].join(', ')}, not ${inside}`)
    return outside
  }

  /** Starts it after {@link kill} and waits until systemd, sshd and the engine are up. */
  override async start(): Promise<void> {
    await super.start()
    await this.waitUntilUp()
  }

  async waitUntilUp(): Promise<void> {
    await waitFor(
      `${this.hostname} to be up`,
      async () => {
        const { stdout, stderr } = await this.exec(['systemctl', 'is-system-running'])
        const state = stdout.trim()
        if (state === 'running') return true
        if (state !== 'degraded') throw new Error(`systemd says ${state || stderr}`)
        const failed = await this.exec(['systemctl', 'list-units', '--failed', '--plain', '--no-legend'])
        throw new Error(`these units failed: ${failed.stdout}`)
      },
      UP_LIMIT,
    )
    await waitFor(
      `the engine of ${this.hostname}`,
      () => this.run(['docker', 'version', '-f', '{{.Server.Version}}']),
      UP_LIMIT,
    )
  }
}

/** Where an engine keeps what it has. */
const ENGINE: readonly string[] = ['/var/lib/docker', '/var/lib/containerd']

export interface MachineSpec {
  lab: string
  name: string
  image: string
  network: string
  /** Such as `2g`. */
  memory: string
  /** Ports to publish on the host's loopback. */
  ports: readonly number[]
  env?: Readonly<Record<string, string>>
  /** What it has from the start, by path. */
  files: ReadonlyMap<string, InitialFile>
}

/**
 * Makes and starts a machine and waits until it is up.
 * @param mounts of its engine, as `docker create -v` takes them
 */
export async function startMachine(spec: MachineSpec, mounts = ENGINE): Promise<MachineRecord> {
  const container = `pacs-lab-${spec.lab}-${spec.name}`
  const outside = await freePorts(spec.ports.length)
  const ports = Object.fromEntries(spec.ports.map((inside, index) => [String(inside), outside[index] ?? 0]))
  const publish = Object.entries(ports).flatMap(([inside, port]) => ['-p', `127.0.0.1:${port}:${inside}`])
  const env = Object.entries({ container: 'docker', ...spec.env }).flatMap(([name, value]) => [
    '-e',
    `${name}=${value}`,
  ])
  const hostname = `${spec.name}.lab`
  await docker([
    'create',
    ...['--name', container, '--hostname', hostname, '--label', `${LAB_LABEL}=${spec.lab}`],
    ...['--network', spec.network, '--network-alias', hostname, '--memory', spec.memory, '--cgroupns=private'],
    ...(await privileges(spec.lab, spec.image)),
    ...['--security-opt', 'seccomp=unconfined', '--security-opt', 'apparmor=unconfined'],
    ...['--tmpfs', '/run:exec', '--tmpfs', '/run/lock', '--tmpfs', '/tmp:exec'],
    ...mounts.flatMap((mount) => ['-v', mount]),
    ...['--stop-signal', 'SIGRTMIN+3'],
    ...publish,
    ...env,
    ...[spec.image, '/usr/local/sbin/lab-init'],
  ])
  await putFiles(container, spec.files, await stateFolder(spec.lab))
  await docker(['start', container])
  const machine = new Machine({ name: spec.name, container, ports, hostKey: '' }, spec.network)
  await machine.waitUntilUp()
  const [type = '', key = ''] = (await machine.readText('/etc/ssh/ssh_host_ed25519_key.pub')).split(' ')
  return { name: spec.name, container, ports, hostKey: `${type} ${key}` }
}

let privileged: Promise<boolean> | undefined

async function privileges(lab: string, image: string): Promise<string[]> {
  privileged ??= tryDocker([
    'run',
    '--rm',
    '--label',
    `${LAB_LABEL}=${lab}`,
    '--privileged',
    '--entrypoint',
    'true',
    image,
  ]).then(({ code }) => code === 0)
  if (await privileged) return ['--privileged']
  return CAPABILITIES.flatMap((capability) => ['--cap-add', capability])
}
