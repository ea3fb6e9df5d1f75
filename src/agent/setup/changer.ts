// The only way in which a step changes the machine: everything is recorded first.
import { dirname } from 'node:path'
import { badInput } from '../../lib/index.ts'
import { type Host, type Owner, ROOT, system } from './host.ts'
import { type Entry, hashOf, type SetupRecord } from './record.ts'

export class Changer {
  readonly host: Host
  readonly #record: SetupRecord
  readonly #step: string

  constructor(host: Host, record: SetupRecord, step: string) {
    this.host = host
    this.#record = record
    this.#step = step
  }

  async write(path: string, content: string | Uint8Array, mode: number, owner: Owner): Promise<void> {
    const [present, status] = [await this.host.read(path), await this.host.status(path)]
    if (status?.directory) throw badInput(`${path} is a folder, a file belongs there: move it away`)
    const before = present && status ? { saved: await this.#record.save(present), ...attributesOf(status) } : null
    await this.#makeParent(path)
    await this.#record.add(this.#step, { did: 'file', path, before, sha256: hashOf(content) })
    await this.host.write(path, content, mode)
    await this.host.own(path, owner)
    // chown clears set-user-ID bits, and a umask may have narrowed the mode.
    await this.host.setMode(path, mode)
  }

  async makeDirectory(path: string, mode: number, owner: Owner): Promise<void> {
    await this.#makeParent(path)
    await this.#record.add(this.#step, { did: 'directory', path })
    await this.host.makeDirectory(path, mode)
    await this.host.own(path, owner)
    await this.host.setMode(path, mode)
  }

  async #makeParent(path: string): Promise<void> {
    const parent = dirname(path)
    if (parent !== path && (await this.host.status(parent)) === null) await this.makeDirectory(parent, 0o755, ROOT)
  }

  /** Gives what is there another mode and owner. */
  async setAttributes(path: string, mode: number, owner: Owner): Promise<void> {
    const status = await this.host.status(path)
    if (status === null) throw badInput(`${path} is gone`)
    await this.#record.add(this.#step, { did: 'attributes', path, before: attributesOf(status) })
    await this.host.own(path, owner)
    await this.host.setMode(path, mode)
  }

  /**
   * Runs a program of the system.
   * @param undo the program that takes it back; null when nothing does
   * @param keep the path that must be gone before it is taken back
   */
  async run(command: readonly [string, ...string[]], undo: readonly string[] | null, keep?: string): Promise<string> {
    const [file, ...args] = command
    await this.#record.add(this.#step, {
      did: 'run',
      what: command.join(' '),
      undo: undo && [...undo],
      ...(keep === undefined ? {} : { keep }),
    })
    return system(this.host, file, ...args)
  }

  /** Names a program to run when all that is changed after this was taken back. */
  async atUndo(undo: readonly string[]): Promise<void> {
    await this.#record.add(this.#step, { did: 'run', what: 'nothing yet', undo: [...undo] })
  }
}

/**
 * Takes a step back, last change first. What a person changed since, and folders that hold something, stay.
 * @param from of the step's entries, the first to take back
 * @returns what stays, in words
 */
export async function undoStep(host: Host, record: SetupRecord, step: string, from = 0): Promise<string[]> {
  const left = new Map<string, string>()
  const entries = (await record.of(step)).slice(from)
  for (const entry of entries.toReversed()) {
    const why = 'path' in entry && left.has(entry.path) ? null : await undoEntry(host, record, entry)
    if (why !== null) left.set('path' in entry ? entry.path : why, why)
  }
  if (from === 0) await record.add(step, { did: 'undone' })
  await record.close(step)
  return [...left.values()]
}

async function undoEntry(host: Host, record: SetupRecord, entry: Entry): Promise<string | null> {
  switch (entry.did) {
    case 'file':
      return undoFile(host, record, entry)
    case 'directory':
      if ((await host.status(entry.path)) === null) return null
      return (await host.removeDirectory(entry.path)) ? null : `${entry.path}: holds something`
    case 'attributes':
      if ((await host.status(entry.path)) === null) return null
      await host.own(entry.path, entry.before)
      await host.setMode(entry.path, entry.before.mode)
      return null
    case 'run': {
      if (entry.undo === null) return null
      if (entry.keep !== undefined && (await host.status(entry.keep)) !== null)
        return `${entry.undo.join(' ')}: not before ${entry.keep} is gone`
      const [file = '', ...args] = entry.undo
      const { code, stderr } = await host.ask(file, args)
      return code === 0
        ? null
        : `${entry.undo.join(' ')}: ended with ${code}: ${stderr.trim().split('\n').at(-1) ?? ''}`
    }
    case 'undone':
      return null
  }
}

async function undoFile(host: Host, record: SetupRecord, entry: Entry & { did: 'file' }): Promise<string | null> {
  const { path, before, sha256 } = entry
  const present = await host.read(path)
  const hash = present && hashOf(present)
  // Cut before it was written.
  if (hash === (before?.saved ?? null)) return null
  if (hash !== sha256) return `${path}: was changed by hand since`
  if (before === null) {
    await host.removeFile(path)
    return null
  }
  await host.write(path, await record.saved(before.saved), before.mode)
  await host.own(path, before)
  await host.setMode(path, before.mode)
  return null
}

function attributesOf({ mode, uid, gid }: Owner & { mode: number }) {
  return { mode, uid, gid }
}
