// The steps that make a machine a server, before its agent: user, folders, programs.
import { join } from 'node:path'
import type { Layout } from '../layout.ts'
import { type Host, type Owner, outputOf, succeeds } from './host.ts'
import { attributes, directory, file, type Item, packages, runningUnit } from './items.ts'
import type { SetupRecord } from './record.ts'
import type { Step } from './step.ts'

export const USER = 'pacs'

/** What the steps need to know of this machine and of what was given. */
export interface Site {
  host: Host
  paths: Layout
  owner: () => Promise<Owner | null>
}

/** Debian 13's own engine, where there is none: the one that the tests run on. */
export function engineStep(host: Host, record: SetupRecord): Step {
  return {
    id: 'engine',
    title: 'Docker',
    items: async () =>
      (await hasDocker(host)) && (await record.of('engine')).length === 0
        ? []
        : // pigz: the engine unpacks images by it where it is there, in half the time.
          [
            packages('docker.io', 'docker-cli', 'docker-compose', 'docker-buildx', 'pigz'),
            runningUnit('docker.service'),
          ],
  }
}

/** Whether an engine was installed here, from wherever. */
export function hasDocker(host: Host): Promise<boolean> {
  return succeeds(host, 'sh', '-c', 'command -v docker')
}

/** The user that the agent runs as and that keys log in as. */
export function userStep(): Step {
  const exists = (host: Host) => succeeds(host, 'getent', 'passwd', USER)
  const grouped = async (host: Host) =>
    (await outputOf(host, 'id', '--name', '--groups', USER))?.trim().split(' ').includes('docker')
  // A shell, because sshd runs the forced command through it; a password that nothing matches.
  const account = [
    '--system',
    '--user-group',
    '--no-create-home',
    '--home-dir',
    '/opt/pacs',
    '--shell',
    '/bin/sh',
    '--password',
    '*',
  ]
  const user: Item = {
    differences: async (host) => ((await exists(host)) ? [] : [`user ${USER}: made`]),
    make: async (changer) => void (await changer.run(['useradd', ...account, USER], ['userdel', USER], '/opt/pacs')),
  }
  const group: Item = {
    differences: async (host) =>
      (await grouped(host)) ? [] : [`user ${USER}: in group docker, which makes it root's equal`],
    make: async (changer) =>
      void (await changer.run(
        ['usermod', '--append', '--groups', 'docker', USER],
        ['gpasswd', '--delete', USER, 'docker'],
      )),
  }
  return { id: 'user', title: 'the user pacs', items: () => [user, group] }
}

/** Folders with the modes that the security model asks for, and the owner of what a person put into them. */
export function foldersStep({ host, paths, owner }: Site): Step {
  const { root, bin, releases, config, configNext, stack, traefik, metrics, journal, audit } = paths
  const items = async () => {
    const own = [
      root,
      bin,
      join(bin, 'agents'),
      releases,
      config,
      stack,
      journal,
      audit,
      join(root, 'backups'),
      join(root, 'logs'),
    ]
    const secret = [configNext, join(configNext, 'secrets'), join(configNext, 'certs')]
    return [
      ...own.map((path) => directory(path, 0o750, owner)),
      ...secret.map((path) => directory(path, 0o700, owner)),
      // Mounted into containers that run as others; the parent keeps everyone else out.
      ...[traefik, metrics].map((path) => directory(path, 0o755, owner)),
      ...(await configFiles(host, configNext, owner)),
      ...(await accountFiles(host, paths)),
    ]
  }
  return { id: 'folders', title: 'folders and their modes', items }
}

/** What a person laid down as root is of no use to the agent, which cannot read it. */
async function configFiles(host: Host, configNext: string, owner: Site['owner']): Promise<Item[]> {
  const items: Item[] = []
  for (const folder of [configNext, join(configNext, 'secrets'), join(configNext, 'certs')]) {
    for (const name of await host.list(folder)) {
      const found = await host.status(join(folder, name))
      if (found && !found.directory) items.push(attributes(join(folder, name), found.mode & 0o755, owner))
    }
  }
  return items
}

/** Traefik refuses to use an account file that others can read, and asks the authority anew until that bans it. */
async function accountFiles(host: Host, { root, traefik, configNext }: Layout): Promise<Item[]> {
  const items: Item[] = []
  for (const folder of [traefik, join(root, 'acme'), join(configNext, 'certs'), ...(await volumes(host))]) {
    const path = join(folder, 'acme.json')
    const found = await host.status(path)
    if (found && !found.directory) items.push(attributes(path, 0o600, found))
  }
  return items
}

async function volumes(host: Host): Promise<string[]> {
  const folder = '/var/lib/docker/volumes'
  return (await host.list(folder)).map((name) => join(folder, name, '_data'))
}

/** The programs that the agent runs beside Docker: root's own, replaced as a whole. */
export function programsStep(bin: string, programs: Readonly<Record<string, Uint8Array | undefined>>): Step {
  const items = Object.entries(programs).flatMap(([name, content]) =>
    content === undefined ? [] : [file(join(bin, name), content, 0o755)],
  )
  return { id: 'programs', title: 'Node and restic', items: () => items }
}
