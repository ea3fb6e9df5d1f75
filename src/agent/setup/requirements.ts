import { statfs } from 'node:fs/promises'
import { parseEnv } from 'node:util'
import type { Problems } from '../../lib/index.ts'
import { judgeEngine } from '../server/engine-age.ts'
import { type Host, outputOf, succeeds } from './host.ts'
import { hasDocker } from './server-steps.ts'

/** Bytes that must be free where the engine keeps images: a release of the shipped stack beside the one that runs. */
const DISK_FOR_IMAGES = 4 * 2 ** 30

/** What runs here that was not tested, for the person to know. */
export type Warning = string

/** Looks whether this machine can be a server; adds everything that is missing, too old or too small to `problems`. */
export async function checkRequirements(host: Host, uid: number | undefined, problems: Problems): Promise<Warning[]> {
  const warnings: Warning[] = []
  if (uid !== 0) problems.add('set-up needs root: sudo')
  const release = parseEnv((await host.read('/etc/os-release'))?.toString() ?? '')
  judgeSystem(release, problems, warnings)
  if (!(await succeeds(host, 'systemctl', 'show-environment')))
    problems.add('systemd does not answer; the agent is a unit of it')
  if (!(await succeeds(host, 'sh', '-c', 'command -v sshd')))
    problems.add('sshd is missing: apt-get install openssh-server')
  // Debian 13's own engine will do, and set-up installs it; Debian 12's is too old.
  const installable = release.ID === 'debian' && release.VERSION_ID === '13' && !(await hasDocker(host))
  if (!installable) await checkDocker(host, problems)
  judgePorts((await outputOf(host, 'ss', '-Hltnp')) ?? '', problems)
  return warnings
}

async function checkDocker(host: Host, problems: Problems): Promise<void> {
  const engine = await outputOf(host, 'docker', 'version', '--format', '{{.Server.Version}}')
  const compose = await outputOf(host, 'docker', 'compose', 'version', '--short')
  judgeEngine({ engine, compose }, problems)
  if (engine !== null) await checkEngine(host, problems)
}

async function checkEngine(host: Host, problems: Problems): Promise<void> {
  if (!(await succeeds(host, 'getent', 'group', 'docker')))
    problems.add('the group docker is missing, by which the agent reaches the engine: groupadd --system docker')
  const root = (await outputOf(host, 'docker', 'info', '--format', '{{.DockerRootDir}}'))?.trim()
  const disk = root ? await statfs(root).catch(() => null) : null
  if (root && disk) judgeDisk(root, disk.bavail * disk.bsize, problems)
}

/** Adds a problem when fewer bytes are free at `path`, where the engine keeps images, than two releases may need. */
export function judgeDisk(path: string, free: number, problems: Problems): void {
  if (free >= DISK_FOR_IMAGES) return
  const gib = (bytes: number) => (bytes / 2 ** 30).toFixed(1)
  problems.add(
    `${path} has ${gib(free)} GiB free, ${gib(DISK_FOR_IMAGES)} are needed: images of two releases lie there`,
  )
}

/** What listens on the server's ports once the stack runs there. */
const LISTENERS: Readonly<Record<string, string>> = {
  80: "the stack's entry",
  443: "the stack's entry",
  4242: 'Orthanc, for DICOM,',
}

/** Adds a problem for each port of the stack that something else listens on. @param listening what `ss -Hltnp` says */
export function judgePorts(listening: string, problems: Problems): void {
  const taken = new Map<string, string>()
  for (const line of listening.split('\n')) {
    const [, , , local = ''] = line.trim().split(/\s+/)
    const port = local.slice(local.lastIndexOf(':') + 1)
    const [, name = 'another program'] = /users:\(\("([^"]+)"/.exec(line) ?? []
    // The engine's own listener of a published port.
    if (Object.hasOwn(LISTENERS, port) && name !== 'docker-proxy' && name !== 'dockerd') taken.set(port, name)
  }
  for (const [port, name] of taken)
    problems.add(
      `port ${port} is taken by ${name}: stop it for good (systemctl disable --now …), ${LISTENERS[port]} listens there`,
    )
}

/** Debian 12 and 13 are tested; their relatives may work. */
export function judgeSystem(release: NodeJS.Dict<string>, problems: Problems, warnings: Warning[]): void {
  const { ID: id = 'unknown', VERSION_ID: version = '', PRETTY_NAME: name = id } = release
  if (id === 'debian' && (version === '12' || version === '13')) return
  // Debian without a version is its testing or unstable.
  const isNewer = id === 'debian' && (version === '' || Number.parseInt(version, 10) > 13)
  if (isNewer || id === 'ubuntu') warnings.push(`${name} is not tested; Debian 12 and 13 are`)
  else problems.add(`${name} is not supported: Debian 12 or 13 is needed (Ubuntu may work, untested)`)
}
