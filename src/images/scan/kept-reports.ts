import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isMissing, replaceFile } from '../../lib/index.ts'
import { canonicalJson, type Digest, type Evidence, evidenceFiles, sha256 } from '../../release/index.ts'
import { parseReport } from './report.ts'

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
  readonly #version: string

  private constructor(directory: string, version: string) {
    this.#directory = directory
    this.#version = version
  }

  /**
   * @param parent a directory of this user alone; reports of another key are removed from it
   * @param version of the scanner
   */
  static async open(parent: string, key: ReportKey, version: string): Promise<KeptReports> {
    const name = sha256(canonicalJson(key)).slice('sha256:'.length, 'sha256:'.length + 16)
    await mkdir(join(parent, name), { recursive: true, mode: 0o700 })
    for (const other of await readdir(parent)) {
      if (other !== name) await rm(join(parent, other), { recursive: true, force: true })
    }
    return new KeptReports(join(parent, name), version)
  }

  /** What was kept of this image; null also for what lies there and says itself that it is of another image or scanner. */
  async find(image: Digest): Promise<Evidence | null> {
    const [report, sbom] = await Promise.all(
      this.#files(image).map((file) => readFile(file, 'utf8').catch(() => undefined)),
    )
    if (report === undefined || sbom === undefined) return null
    return isAbout(image, report, this.#version) && sbom.includes(image) ? { report, sbom } : null
  }

  /** A job that is killed meanwhile leaves no half one; a directory that another job removes keeps nothing. */
  async keep(image: Digest, { report, sbom }: Evidence): Promise<void> {
    const [reportFile = '', sbomFile = ''] = this.#files(image)
    try {
      await replaceFile(sbomFile, sbom, 0o600)
      await replaceFile(reportFile, report, 0o600)
    } catch (thrown) {
      // Kept or not, it is judged.
      if (!isMissing(thrown)) throw thrown
    }
  }

  #files(image: Digest): string[] {
    return evidenceFiles(image.slice('sha256:'.length)).map(([name]) => join(this.#directory, name))
  }
}

function isAbout(image: Digest, text: string, version: string): boolean {
  try {
    return parseReport('a kept report', text, version).Metadata.ImageID === image
  } catch {
    return false
  }
}
