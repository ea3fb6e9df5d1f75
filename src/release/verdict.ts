import { z } from 'zod'
import { digestSchema, sha256 } from './digest.ts'

const count = z.number().int().min(0)

/** What a scan says of an image that it lets pass; what it does not let pass gets no verdict. */
export const verdictSchema = z.strictObject({
  /** Whether the image was judged as one of one's own; a vendor's is judged by what is new in it. */
  built: z.boolean(),
  scanner: z.strictObject({ version: z.string().regex(/^\d+\.\d+\.\d+$/), sha256: digestSchema }),
  /** When the vulnerability database was made. */
  database: z.iso.datetime(),
  judged: z.iso.datetime(),
  /** Everything that was found, by severity. */
  found: z.strictObject({ critical: count, high: count, medium: count, low: count, unknown: count }),
  /** Findings that would refuse an image of one's own and that pass in a vendor's: `CVE-2026-1 in openssl`. */
  open: z.array(z.string().max(400)),
  /** Findings that a waiver lets pass. */
  waived: z.array(z.string().max(400)),
  /** Hash of the scanner's own report. */
  report: digestSchema,
  /** Hash of the image's bill of materials. */
  sbom: digestSchema,
  /** Hash of the scanner's report on the Dockerfile; left out for a vendor's image. */
  dockerfile: digestSchema.optional(),
})
export type Verdict = z.infer<typeof verdictSchema>

/** What a verdict rests on. */
export interface Evidence {
  /** The scanner's own report, as JSON. */
  report: string
  /** What the image consists of: CycloneDX as JSON. */
  sbom: string
  /** The scanner's own report on the Dockerfile, as JSON; of an image that was built. */
  dockerfile?: string
  /** What its page loads first, as JSON, for the next build to compare with; of an image with a page that has a budget. */
  page?: string
}

/** Whether a verdict rests on this evidence: each of its hashes is that of what lies there. */
export function isEvidenceOf({ report, sbom, dockerfile }: Verdict, evidence: Evidence): boolean {
  const ofDockerfile = evidence.dockerfile === undefined ? undefined : sha256(evidence.dockerfile)
  return sha256(evidence.report) === report && sha256(evidence.sbom) === sbom && ofDockerfile === dockerfile
}

/** The files of an image's evidence, by name: the report, then the bill of materials. */
export function evidenceFiles(service: string, { report, sbom }: Evidence = { report: '', sbom: '' }) {
  return [
    [`${service}.report.json`, report],
    [`${service}.cdx.json`, sbom],
  ] as const
}

/** The file beside them that holds the report on the Dockerfile of an image that was built. */
export function dockerfileReportFile(service: string): string {
  return `${service}.dockerfile.json`
}

/** The file beside them that holds what the page of an image loads first. */
export function pageFile(service: string): string {
  return `${service}.page.json`
}
