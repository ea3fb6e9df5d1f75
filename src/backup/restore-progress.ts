import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { replaceFile } from '../lib/index.ts'

const FILE = 'restore-under-way.json'
const fileSchema = z.object({
  backup: z.string(),
  /** What each part stood at when it was begun, or done. */
  begun: z.record(z.string(), z.string()).default({}),
  done: z.array(z.string()),
})

async function leftIn(directory: string): Promise<z.infer<typeof fileSchema> | null> {
  const text = await readFile(join(directory, FILE), 'utf8').catch(() => null)
  return text === null ? null : fileSchema.parse(JSON.parse(text))
}

/** The id of the backup with which a restore into this directory began that was cut; null where none was. */
export async function backupUnderWay(directory: string): Promise<string | null> {
  return (await leftIn(directory))?.backup ?? null
}

/** How far a restore of everything came, kept in the directory that it fills: one that was cut goes on from there. */
export class RestoreProgress {
  readonly #directory: string
  readonly #backup: string
  readonly #begun: Map<string, string>
  readonly #done: Set<string>
  /** Whether a restore of this backup into this directory began before and was cut. */
  readonly wasCut: boolean

  private constructor(directory: string, backup: string, left: z.infer<typeof fileSchema> | null) {
    this.#directory = directory
    this.#backup = backup
    this.#begun = new Map(Object.entries(left?.begun ?? {}))
    this.#done = new Set(left?.done)
    this.wasCut = left !== null
  }

  static async of(directory: string, backup: string): Promise<RestoreProgress> {
    const left = await leftIn(directory)
    return new RestoreProgress(directory, backup, left?.backup === backup ? left : null)
  }

  has(part: string): boolean {
    return this.#done.has(part)
  }

  /** Whether anything was changed by now. */
  get hasBegun(): boolean {
    return this.#begun.size + this.#done.size > 0
  }

  get done(): readonly string[] {
    return [...this.#done]
  }

  /** What a part stood at when it was begun, or done; undefined when it was not. */
  begun(part: string): string | undefined {
    return this.#begun.get(part)
  }

  /** To be called before the first change. */
  async begin(): Promise<void> {
    await mkdir(this.#directory, { recursive: true })
    await this.#write()
  }

  /** To be called before the first change to a part. @param mark what it stands at, so that what others do to it later is seen */
  async begins(part: string, mark: string): Promise<void> {
    this.#begun.set(part, mark)
    await this.#write()
  }

  /** @param mark what it stands at now; default what it stood at when it was begun */
  async did(part: string, mark = this.#begun.get(part)): Promise<void> {
    this.#done.add(part)
    if (mark !== undefined) this.#begun.set(part, mark)
    await this.#write()
  }

  /** What was done or begun of a part is not there any more; written with the next change. */
  forget(part: string): void {
    this.#done.delete(part)
    this.#begun.delete(part)
  }

  async end(): Promise<void> {
    await rm(join(this.#directory, FILE), { force: true })
  }

  #write(): Promise<void> {
    return replaceFile(
      join(this.#directory, FILE),
      JSON.stringify({ backup: this.#backup, begun: Object.fromEntries(this.#begun), done: [...this.#done] }),
      0o600,
    )
  }
}
