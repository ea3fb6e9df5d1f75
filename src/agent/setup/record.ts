// What set-up did to a machine, in root's own folder: each change is written down, with what was there before, before it is made.
// It is the record of the installation, and what --undo goes back by.
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { z } from 'zod'
import { badInput, parsedJson } from '../../lib/index.ts'
import type { Host } from './host.ts'

export const RECORD = '/var/lib/pacs-setup'
const CHANGES = join(RECORD, 'changes.jsonl')

const attributes = { mode: z.number(), uid: z.number(), gid: z.number() }
const entrySchema = z.intersection(
  z.object({ at: z.string(), step: z.string() }),
  z.discriminatedUnion('did', [
    /** `before`: what was there, its content in `before/<saved>`; `sha256`: of what was written. */
    z.object({
      did: z.literal('file'),
      path: z.string(),
      before: z.object({ saved: z.string(), ...attributes }).nullable(),
      sha256: z.string(),
    }),
    z.object({ did: z.literal('directory'), path: z.string() }),
    z.object({ did: z.literal('attributes'), path: z.string(), before: z.object(attributes) }),
    /** `undo`: the program that takes it back; null when nothing does. */
    z.object({
      did: z.literal('run'),
      what: z.string(),
      undo: z.array(z.string()).nullable(),
      /** The path that must be gone before it is taken back. */
      keep: z.string().optional(),
    }),
    z.object({ did: z.literal('undone') }),
  ]),
)
export type Entry = z.infer<typeof entrySchema>
type Fields<E> = E extends Entry ? Omit<E, 'at' | 'step'> : never
export type Change = Fields<Entry>

/** The SHA-256 of a content, in hex. */
export function hashOf(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex')
}

export class SetupRecord {
  readonly #host: Host
  readonly #now: () => Date
  #entries: Entry[] | undefined
  /** Whether the last line is one that a power cut left unfinished: what it announces was not done. */
  #torn = false

  constructor(host: Host, now: () => Date = () => new Date()) {
    this.#host = host
    this.#now = now
  }

  /** All that was done, oldest first. @throws Failure `bad-input` when a person damaged the file. */
  async entries(): Promise<readonly Entry[]> {
    this.#entries ??= await this.#read()
    return this.#entries
  }

  /** What a step did since it was last undone, oldest first. */
  async of(step: string): Promise<readonly Entry[]> {
    const own = (await this.entries()).filter((entry) => entry.step === step)
    return own.slice(own.findLastIndex((entry) => entry.did === 'undone') + 1)
  }

  async add(step: string, change: Change): Promise<void> {
    const entries = await this.entries()
    const entry = entrySchema.parse({ at: this.#now().toISOString(), step, ...change })
    await this.#host.makeDirectory(RECORD, 0o700)
    if (this.#torn) await this.#host.write(CHANGES, entries.map(lineOf).join(''), 0o600)
    this.#torn = false
    await this.#host.append(CHANGES, lineOf(entry))
    this.#entries = [...entries, entry]
  }

  /** Keeps a content that is about to be replaced. @returns its name */
  async save(content: Buffer): Promise<string> {
    const name = hashOf(content)
    if (await this.#host.read(join(RECORD, 'before', name))) return name
    await this.#host.makeDirectory(join(RECORD, 'before'), 0o700)
    await this.#host.write(join(RECORD, 'before', name), content, 0o600)
    return name
  }

  /** What {@link save} kept. */
  async saved(name: string): Promise<Buffer> {
    const content = await this.#host.read(join(RECORD, 'before', name))
    if (content === null) throw badInput(`${RECORD}/before/${name} is missing: what was there before cannot come back`)
    return content
  }

  /** Whether a run was cut in this step, so that what it changed may not be in effect. */
  async isOpen(step: string): Promise<boolean> {
    return (await this.#host.status(this.#mark(step))) !== null
  }

  async open(step: string): Promise<void> {
    await this.#host.makeDirectory(join(RECORD, 'open'), 0o700)
    await this.#host.write(this.#mark(step), '', 0o600)
  }

  async close(step: string): Promise<void> {
    await this.#host.removeFile(this.#mark(step))
  }

  #mark(step: string): string {
    return join(RECORD, 'open', step)
  }

  async #read(): Promise<Entry[]> {
    const lines = (await this.#host.read(CHANGES))?.toString().split('\n') ?? ['']
    this.#torn = lines.pop() !== ''
    return lines.map((line, index) => {
      const parsed = entrySchema.safeParse(parsedJson(line))
      if (!parsed.success)
        throw badInput(`${CHANGES}:${index + 1} is no entry of set-up: put the file back, or move it away`)
      return parsed.data
    })
  }
}

function lineOf(entry: Entry): string {
  return `${JSON.stringify(entry)}\n`
}
