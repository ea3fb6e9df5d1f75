import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { parsedJson, replaceFile } from '../../lib/index.ts'
import { canonicalJson, type Digest, digestSchema, sha256 } from '../../release/index.ts'
import { LAID, type Trivy } from './trivy.ts'

/** The Dockerfile of a service that is built. */
export interface Dockerfile {
  service: string
  /** Absolute. */
  file: string
  /** Its path in the checkout. */
  path: string
}

/**
 * Scans all Dockerfiles at once, or takes what the same scanner said here of the same texts last.
 * @param options `keep` is a file in a directory of this user alone
 * @returns the report of each service on its own. @throws Failure `error` when the scan fails
 */
export async function scanDockerfiles(
  trivy: Pick<Trivy, 'scanDockerfiles'>,
  dockerfiles: readonly Dockerfile[],
  options: { scanner: Digest; keep: string },
): Promise<Map<string, string>> {
  if (dockerfiles.length === 0) return new Map()
  const texts = await Promise.all(
    dockerfiles.map(async ({ path, file }) => [path, await readFile(file, 'utf8')] as const),
  )
  const report = await scanOnce(trivy, new Map(texts), options)
  return new Map(dockerfiles.map(({ service, path }) => [service, reportOn(path, report)]))
}

const keptSchema = z.object({ key: digestSchema, report: z.string() })

async function scanOnce(
  trivy: Pick<Trivy, 'scanDockerfiles'>,
  texts: ReadonlyMap<string, string>,
  { scanner, keep }: { scanner: Digest; keep: string },
): Promise<string> {
  const key = sha256(canonicalJson({ scanner, texts: Object.fromEntries(texts) }))
  const kept = keptSchema.safeParse(parsedJson(await readFile(keep, 'utf8').catch(() => '')))
  if (kept.success && kept.data.key === key) return kept.data.report
  const report = await trivy.scanDockerfiles(texts)
  // One that cannot be read is refused, and not again where the scanner writes a whole one.
  if (reportSchema.safeParse(parsedJson(report)).success)
    await replaceFile(keep, JSON.stringify({ key, report }), 0o600)
  return report
}

const reportSchema = z.looseObject({ Results: z.array(z.looseObject({ Target: z.string() })).default([]) })

/** What a report says of one of the Dockerfiles, in the scanner's words and without when and where it was scanned; the whole report where it cannot be told. */
function reportOn(path: string, text: string): string {
  const parsed = reportSchema.safeParse(parsedJson(text))
  if (!parsed.success) return text
  const { CreatedAt: _created, ReportID: _id, Results, ...report } = parsed.data
  const own = Results.filter(({ Target }) => Target === LAID + path).map((result) => ({ ...result, Target: path }))
  return JSON.stringify({ ...report, ArtifactName: path, Results: own })
}
