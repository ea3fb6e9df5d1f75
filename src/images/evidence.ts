import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { refused } from '../lib/index.ts'
import { dockerfileReportFile, type Evidence, evidenceFiles, isEvidenceOf, pageFile } from '../release/index.ts'
import type { DraftImage } from './draft.ts'
import { parseReport } from './scan/report.ts'

/** What the verdicts rest on, by service. */
export type EvidenceByService = Readonly<Record<string, Evidence>>

/** Lays the evidence down in `directory`, beside the draft whose verdicts name it by hash. */
export async function writeEvidence(directory: string, evidence: EvidenceByService): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  for (const [service, one] of Object.entries(evidence)) {
    for (const [name, text] of evidenceFiles(service, one)) await writeFile(join(directory, name), text)
    if (one.dockerfile !== undefined) await writeFile(join(directory, dockerfileReportFile(service)), one.dockerfile)
    if (one.page !== undefined) await writeFile(join(directory, pageFile(service)), one.page)
  }
}

/** Reads what {@link writeEvidence} wrote; a service of which nothing is there is left out. */
export async function readEvidence(directory: string, services: readonly string[]): Promise<EvidenceByService> {
  const evidence: Record<string, Evidence> = {}
  for (const service of services) {
    const read = (name: string) => readFile(join(directory, name), 'utf8').catch(() => null)
    const [report, sbom] = await Promise.all(evidenceFiles(service).map(([name]) => read(name)))
    const dockerfile = await read(dockerfileReportFile(service))
    const page = await read(pageFile(service))
    if (typeof report !== 'string' || typeof sbom !== 'string') continue
    evidence[service] = {
      ...{ report, sbom },
      ...(dockerfile === null ? {} : { dockerfile }),
      ...(page === null ? {} : { page }),
    }
  }
  return evidence
}

/**
 * Asks for a verdict on every image, for the report and the bill of materials that it names, and that the report is about this very image.
 * @throws Failure `refused` that names each image without
 */
export function requireEvidence(
  images: Readonly<Record<string, Pick<DraftImage, 'image' | 'verdict'>>>,
  evidence: EvidenceByService,
): void {
  const problems = Object.entries(images).flatMap(([service, { image, verdict }]) => {
    if (verdict === null) return [`no scan has judged the image of ${service}: build it without \`scan: false\``]
    if (verdict.built && verdict.dockerfile === undefined) {
      return [`no scan has judged the Dockerfile of ${service}: build again`]
    }
    const one = evidence[service]
    if (one === undefined) {
      return [`the report of the scan of ${service} is missing: give the output "manifest" of a build step of this job`]
    }
    if (!isEvidenceOf(verdict, one)) {
      return [`the report of the scan of ${service} is not the one that was judged: build again`]
    }
    const { ImageID } = parseReport(service, one.report, verdict.scanner.version).Metadata
    if (ImageID === image) return []
    return [`the report of the scan of ${service} is about image ${ImageID}, built was ${image}: build again`]
  })
  if (problems.length > 0) throw refused(problems.join('\n'))
}
