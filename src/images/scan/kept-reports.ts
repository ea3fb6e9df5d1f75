import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { canonicalJson, type Digest, sha256 } from '../../release/index.ts'

/** What decides a report beside the image. */
export interface ReportKey {
  /** SHA-256 of the scanner. */
  scanner: Digest
  /** Of the vulnerability database that was brought: another one gives another report. */
  database: Digest
  licences: boolean
}

/** Reports of images that were scanned on this machine by the same scanner with the same database. */
export class KeptReports {
  readonly #directory: string

  private constructor(directory: string) {
    this.#directory = directory
  }

  /** @param parent a directory of this user alone; reports of another key are removed from it */
  static async open(parent: string, key: ReportKey): Promise<KeptReports> {
    const name = sha256(canonicalJson(key)).slice('sha256:'.length, 'sha256:'.length + 16)
    await mkdir(join(parent, name), { recursive: true, mode: 0o700 })
    for (const other of await readdir(parent)) {
      if (other !== name) await rm(join(parent, other), { recursive: true, force: true })
    }
    return new KeptReports(join(parent, name))
  }

  async find(image: Digest): Promise<string | null> {
    return readFile(this.#file(image), 'utf8').catch(() => null)
  }

  /** A job that is killed meanwhile leaves no half one; a directory that another job removes keeps nothing. */
  async keep(image: Digest, report: string): Promise<void> {
    const file = this.#file(image)
    const part = `${file}.${process.pid}`
    try {
      await writeFile(part, report, { mode: 0o600 })
      await rename(part, file)
    } catch {
      await rm(part, { force: true })
    }
  }

  #file(image: Digest): string {
    return join(this.#directory, `${image.slice('sha256:'.length)}.json`)
  }
}
