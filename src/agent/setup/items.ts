// What steps are made of. Each item tells what differs from what is wanted, and makes it so.
import { Failure } from '../../lib/index.ts'
import type { Changer } from './changer.ts'
import { type Host, type Owner, outputOf, ROOT, succeeds } from './host.ts'

export interface Item {
  /**
   * What is not as wanted, in words; nothing when all is.
   * @param dirty whether something before it in the step differed, or a run was cut in this step
   */
  differences: (host: Host, dirty: boolean) => Promise<string[]>
  make: (changer: Changer) => Promise<void>
}

/** Whose a file is; null as long as there is no such user. */
export type OwnerOf = Owner | (() => Promise<Owner | null>)

/** A folder with its mode and owner. */
export function directory(path: string, mode: number, ownerOf: OwnerOf): Item {
  return {
    async differences(host) {
      const found = await host.status(path)
      return found === null ? [`${path}: made`] : attributeDifferences(path, found, mode, await resolve(ownerOf))
    },
    async make(changer) {
      const owner = await present(path, ownerOf)
      if ((await changer.host.status(path)) === null) await changer.makeDirectory(path, mode, owner)
      else await changer.setAttributes(path, mode, owner)
    },
  }
}

/** A file with its content, mode and owner. @param afterUndo the program to run once it is as it was before */
export function file(
  path: string,
  content: string | Uint8Array,
  mode: number,
  ownerOf: OwnerOf = ROOT,
  afterUndo?: readonly string[],
): Item {
  const wanted = Buffer.from(content)
  return {
    async differences(host) {
      const [found, status] = [await host.read(path), await host.status(path)]
      if (found === null || status === null) return [`${path}: made`]
      if (!found.equals(wanted)) return [`${path}: replaced`]
      return attributeDifferences(path, status, mode, await resolve(ownerOf))
    },
    async make(changer) {
      const owner = await present(path, ownerOf)
      if ((await changer.host.read(path))?.equals(wanted)) return changer.setAttributes(path, mode, owner)
      if (afterUndo) await changer.atUndo(afterUndo)
      await changer.write(path, wanted, mode, owner)
    },
  }
}

/** Mode and owner of something that others make; nothing where it is not. */
export function attributes(path: string, mode: number, ownerOf: OwnerOf): Item {
  return {
    async differences(host) {
      const found = await host.status(path)
      return found === null ? [] : attributeDifferences(path, found, mode, await resolve(ownerOf))
    },
    make: async (changer) => changer.setAttributes(path, mode, await present(path, ownerOf)),
  }
}

/** Something to do when what stands before it in the step changed. */
export function afterwards(what: string, make: (changer: Changer) => Promise<void>): Item {
  return { differences: async (_host, dirty) => (dirty ? [what] : []), make }
}

/** Packages of the system; undo leaves them, since others may have come to need them. */
export function packages(...names: readonly string[]): Item {
  const missing = async (host: Host) => {
    const format = `-f=\${Package} \${db:Status-Status}\n`
    const { stdout } = await host.ask('dpkg-query', ['-W', format, ...names])
    const installed = new Set(
      stdout.split('\n').flatMap((line) => (line.endsWith(' installed') ? [line.split(' ')[0]] : [])),
    )
    return names.filter((name) => !installed.has(name))
  }
  return {
    differences: async (host) => (await missing(host)).map((name) => `package ${name}: installed`),
    async make(changer) {
      const wanted = await missing(changer.host)
      // A new machine often runs its first update by itself.
      const lock = ['-o', 'DPkg::Lock::Timeout=300'] as const
      const install = [
        'apt-get',
        'install',
        '--yes',
        '--quiet=2',
        ...lock,
        '--no-install-recommends',
        ...wanted,
      ] as const
      try {
        // Lists that are there are tried first: it is faster, and works where a mirror is away.
        await changer.run(install, null)
      } catch {
        await changer.run(['apt-get', 'update', '--quiet=2'], null)
        await changer.run(install, null)
      }
    },
  }
}

/** A unit of systemd that starts by itself and runs. */
export function runningUnit(name: string): Item {
  return {
    async differences(host) {
      const enabled = await succeeds(host, 'systemctl', 'is-enabled', '--quiet', name)
      const active = await succeeds(host, 'systemctl', 'is-active', '--quiet', name)
      return [...(enabled ? [] : [`${name}: enabled`]), ...(active ? [] : [`${name}: started`])]
    },
    async make(changer) {
      await changer.run(
        ['systemctl', 'enable', '--quiet', '--now', name],
        ['systemctl', 'disable', '--quiet', '--now', name],
      )
    },
  }
}

/** Whether a unit of that name is known. */
export async function hasUnit(host: Host, name: string): Promise<boolean> {
  return (await outputOf(host, 'systemctl', 'cat', name)) !== null
}

function attributeDifferences(
  path: string,
  found: Owner & { mode: number },
  mode: number,
  owner: Owner | null,
): string[] {
  const differences: string[] = []
  if (owner === null) differences.push(`${path}: owner`)
  else if (found.uid !== owner.uid || found.gid !== owner.gid)
    differences.push(`${path}: owner ${owner.uid}:${owner.gid}`)
  if (found.mode !== mode) differences.push(`${path}: mode ${mode.toString(8)}`)
  return differences
}

async function resolve(ownerOf: OwnerOf): Promise<Owner | null> {
  return typeof ownerOf === 'function' ? ownerOf() : ownerOf
}

async function present(path: string, ownerOf: OwnerOf): Promise<Owner> {
  const owner = await resolve(ownerOf)
  if (owner === null)
    throw new Failure('error', `${path} has no owner yet: the step "user" comes first (leave --only out)`)
  return owner
}
