import { describe, expect, test } from 'vitest'
import { requireEvidence } from '../../../src/images/evidence.ts'
import { sha256, type Verdict } from '../../../src/release/index.ts'
import { dockerfileReportOf, IMAGE, reportOf, VERSION } from './scan/report-of.ts'

const evidence = {
  report: JSON.stringify(reportOf()),
  sbom: '{"bomFormat":"CycloneDX"}',
  dockerfile: JSON.stringify(dockerfileReportOf('Dockerfile')),
}
const verdict: Verdict = {
  built: true,
  scanner: { version: VERSION, sha256: sha256('trivy') },
  database: '2026-11-28T06:00:00.000Z',
  judged: '2026-11-28T12:00:00.000Z',
  found: { critical: 0, high: 0, medium: 0, low: 0, unknown: 0 },
  open: [],
  waived: [],
  report: sha256(evidence.report),
  sbom: sha256(evidence.sbom),
  dockerfile: sha256(evidence.dockerfile),
}

describe('what a verdict rests on', () => {
  test('is a report about the image that is pushed, as it was judged', () => {
    expect(() => requireEvidence({ api: { image: IMAGE, verdict } }, { api: evidence })).not.toThrow()
  })

  const foreign = JSON.stringify(reportOf([], { ImageID: sha256('another') }))
  test.each<[string, Parameters<typeof requireEvidence>, RegExp]>([
    ['no verdict', [{ api: { image: IMAGE, verdict: null } }, {}], /^no scan has judged the image of api/],
    ['no report', [{ api: { image: IMAGE, verdict } }, {}], /^the report of the scan of api is missing/],
    [
      'another report than the judged one',
      [{ api: { image: IMAGE, verdict } }, { api: { ...evidence, report: foreign } }],
      /is not the one that was judged/,
    ],
    [
      'another report on its Dockerfile than the judged one',
      [{ api: { image: IMAGE, verdict } }, { api: { ...evidence, dockerfile: '{}' } }],
      /is not the one that was judged/,
    ],
    [
      'a Dockerfile that nobody has judged',
      [{ api: { image: IMAGE, verdict: { ...verdict, dockerfile: undefined } } }, { api: evidence }],
      /^no scan has judged the Dockerfile of api: build again/,
    ],
    [
      'a report about another image, verdict and all',
      [
        { api: { image: IMAGE, verdict: { ...verdict, report: sha256(foreign) } } },
        { api: { ...evidence, report: foreign } },
      ],
      new RegExp(`is about image ${sha256('another')}, built was ${IMAGE}: build again`),
    ],
  ])('is refused for %s', (_, given, message) => {
    expect(() => requireEvidence(...given)).toThrow(message)
  })
})
