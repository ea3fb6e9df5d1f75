import { describe, expect, test } from 'vitest'
import { knownFindings } from '../../../../src/images/index.ts'
import { refusalOf, refusalTable } from '../../../../src/images/scan/describe.ts'
import { nameOf } from '../../../../src/images/scan/findings.ts'
import { DEFAULT_POLICY, type Policy } from '../../../../src/images/scan/policy.ts'
import {
  type Judgement,
  judge,
  requireFreshDatabase,
  type Standard,
  unusedWaivers,
} from '../../../../src/images/scan/verdict.ts'
import { parseWaivers } from '../../../../src/images/scan/waivers.ts'
import { scanSarif } from '../../../../src/images/scan/what-runs.ts'
import { type ReleaseManifest, sha256, verdictSchema } from '../../../../src/release/index.ts'
import {
  dockerfileReportOf,
  IMAGE,
  licence,
  misconfiguration,
  reportOf,
  secret,
  VERSION,
  vulnerability,
} from './report-of.ts'

const now = new Date('2026-11-28T12:00:00Z')
const database = new Date('2026-11-28T06:00:00Z')
const scanner = { version: VERSION, sha256: sha256('trivy') }

function verdictOn(
  report: object | string,
  options: Partial<Standard> & { built?: boolean; dockerfile?: object } = {},
) {
  const { built = true, dockerfile, ...standard } = options
  const text = typeof report === 'string' ? report : JSON.stringify(report)
  const more = dockerfile === undefined ? {} : { dockerfile: JSON.stringify(dockerfile) }
  const scan = {
    service: 'api',
    sharedBy: ['worker'],
    built,
    image: IMAGE,
    report: text,
    sbom: '{}',
    scanner,
    database,
    ...more,
  }
  return judge(scan, { policy: DEFAULT_POLICY, waivers: [], known: new Map(), now, ...standard })
}

const refusing = (report: object, options: Parameters<typeof verdictOn>[1] = {}) =>
  verdictOn(report, options).refused.map(({ id, kind }) => `${kind} ${id}`)
const policy = (changed: Partial<Policy>): { policy: Policy } => ({ policy: { ...DEFAULT_POLICY, ...changed } })
const recent = vulnerability({ PublishedDate: '2026-11-27T00:00:00Z' })

describe('the verdict on an own image', () => {
  test.each<[string, object[], Partial<Policy>, string[]]>([
    ['nothing', [], {}, []],
    ['a HIGH one with a fix', [vulnerability()], {}, ['vulnerability CVE-2026-1']],
    ['a CRITICAL one with a fix', [vulnerability({ Severity: 'CRITICAL' })], {}, ['vulnerability CVE-2026-1']],
    ['a MEDIUM one with a fix', [vulnerability({ Severity: 'MEDIUM' })], {}, []],
    ['one that nobody has rated', [vulnerability({ Severity: 'UNKNOWN' })], { severity: 'LOW' }, []],
    [
      'MEDIUM, and MEDIUM refuses',
      [vulnerability({ Severity: 'MEDIUM' })],
      { severity: 'MEDIUM' },
      ['vulnerability CVE-2026-1'],
    ],
    ['HIGH, and only CRITICAL refuses', [vulnerability()], { severity: 'CRITICAL' }, []],
    ['CRITICAL without a fix', [vulnerability({ Severity: 'CRITICAL', FixedVersion: '' })], {}, []],
    [
      'the same, and unfixed ones refuse',
      [vulnerability({ FixedVersion: '' })],
      { unfixed: true },
      ['vulnerability CVE-2026-1'],
    ],
    ['one within its days of grace', [recent], { grace: 3 }, []],
    ['one past its days of grace', [vulnerability()], { grace: 3 }, ['vulnerability CVE-2026-1']],
    [
      'one without a date, in spite of grace',
      [vulnerability({ PublishedDate: undefined })],
      { grace: 3 },
      ['vulnerability CVE-2026-1'],
    ],
    ['a secret', [secret], {}, ['secret private-key']],
    ['a secret, in spite of grace', [secret], { grace: 90 }, ['secret private-key']],
    ['a HIGH misconfiguration', [misconfiguration('HIGH')], {}, ['misconfiguration DS-0002']],
    ['a LOW misconfiguration', [misconfiguration('LOW')], {}, []],
    ['a rule that was kept', [misconfiguration('HIGH', 'PASS')], {}, []],
    ['a licence, and no list', [licence('AGPL-3.0-only')], {}, []],
    ['a licence on the list', [licence('AGPL-3.0-only')], { licences: ['AGPL-3.0-only'] }, ['licence AGPL-3.0-only']],
    ['a licence not on the list', [licence('MIT')], { licences: ['AGPL-3.0-only'] }, []],
  ])('with %s', (_, results, changed, expected) => {
    const report = reportOf(results)
    expect(refusing(report, policy(changed))).toEqual(expected)
    expect(verdictOn(report, policy(changed)).verdict === null).toBe(expected.length > 0)
  })

  test('that passes says by what it was judged, and counts everything that was found', () => {
    const report = reportOf([vulnerability({ Severity: 'LOW' }), misconfiguration('MEDIUM')])
    const { verdict, reported } = verdictOn(report)
    expect(verdictSchema.parse(verdict)).toEqual({
      built: true,
      scanner,
      database: '2026-11-28T06:00:00.000Z',
      judged: '2026-11-28T12:00:00.000Z',
      found: { critical: 0, high: 0, medium: 1, low: 1, unknown: 0 },
      open: [],
      waived: [],
      report: sha256(JSON.stringify(report)),
      sbom: sha256('{}'),
    })
    expect(reported.map(({ severity }) => severity)).toEqual(['MEDIUM', 'LOW'])
  })
})

describe('the Dockerfile of an own image', () => {
  const path = 'production/Dockerfile'
  const waived = (rest: string) =>
    parseWaivers(
      'w.yml',
      `- {id: DS-0029, reason: the package needs all of them, owner: jane, expires: 2026-12-24${rest}}`,
      now.getTime(),
    )

  test.each<[string, object, Partial<Standard>, string[]]>([
    ['with a HIGH misconfiguration', dockerfileReportOf(path), {}, ['misconfiguration DS-0029']],
    ['with a LOW one', dockerfileReportOf(path, 'LOW'), {}, []],
    [
      'with a LOW one where LOW refuses',
      dockerfileReportOf(path, 'LOW'),
      policy({ severity: 'LOW' }),
      ['misconfiguration DS-0029'],
    ],
    ['that the scanner could not read', dockerfileReportOf(null), {}, ['coverage dockerfile-unread']],
    ['with one that is waived', dockerfileReportOf(path), { waivers: waived('') }, []],
    ['with one that is waived at its path', dockerfileReportOf(path), { waivers: waived(`, path: ${path}`) }, []],
    [
      'with one that is waived at another',
      dockerfileReportOf(path),
      { waivers: waived(', path: Dockerfile') },
      ['misconfiguration DS-0029'],
    ],
  ])('%s is judged by the same policy and waivers', (_, dockerfile, options, expected) => {
    expect(refusing(reportOf(), { dockerfile, ...options })).toEqual(expected)
  })

  test('that ends as root is one finding with the image that does, and no other rule is taken for that of a layer', () => {
    const image = reportOf([misconfiguration('HIGH'), misconfiguration('HIGH', 'FAIL', 'DS-0029')])
    const named = ({ refused }: Judgement) => refused.map(nameOf)
    const both = dockerfileReportOf(path, 'HIGH', 3, 'DS-0002')
    expect(named(verdictOn(image, { dockerfile: both }))).toEqual(['DS-0002 in production/Dockerfile', 'DS-0029'])
    expect(verdictOn(image, { dockerfile: both, waivers: waived('') }).verdict).toBeNull()
    expect(named(verdictOn(image, { dockerfile: dockerfileReportOf(path) }))).toEqual([
      'DS-0002',
      'DS-0029',
      'DS-0029 in production/Dockerfile',
    ])
    expect(named(verdictOn(image))).toEqual(['DS-0002', 'DS-0029'])
  })

  test('is named by its path and line, and its report by its hash', () => {
    const dockerfile = dockerfileReportOf(path, 'MEDIUM', 12)
    const { verdict, reported } = verdictOn(reportOf(), { dockerfile })
    expect(reported).toMatchObject([{ id: 'DS-0029', path, line: 12 }])
    expect(verdictSchema.parse(verdict)).toMatchObject({
      dockerfile: sha256(JSON.stringify(dockerfile)),
      found: { medium: 1 },
    })
    const refused = verdictOn(reportOf(), { dockerfile: dockerfileReportOf(path) })
    expect(refusalOf([refused])?.message).toMatch(
      /^the scan refuses the image of api: DS-0029 in production\/Dockerfile:3 \(HIGH\): 'apt-get' missing/,
    )
    expect(refusalTable([refused])).toEqual([
      ['DS-0029', 'api', 'production/Dockerfile:3', "HIGH: 'apt-get' missing '--no-install-recommends'"],
    ])
    const sarif = JSON.stringify(scanSarif('stack/compose.yml', [refused]))
    expect(sarif).toContain('{"artifactLocation":{"uri":"production/Dockerfile"},"region":{"startLine":3}}')
  })

  test('is no Dockerfile when its report is one of an image, or was cut', () => {
    expect(() => verdictOn(reportOf(), { dockerfile: reportOf() })).toThrow(
      /^scan of the Dockerfile of api: the report has another schema \(ArtifactType:/,
    )
  })
})

test('a secret in the environment has a name that does not change with the image', () => {
  const report = reportOf([{ ...secret, Target: IMAGE }])
  expect(verdictOn(report, { built: false }).verdict?.open).toEqual(['private-key in (image config)'])
})

describe('a scan that proves nothing', () => {
  test.each<[string, object | string, RegExp]>([
    ['was cut', JSON.stringify(reportOf()).slice(0, 200), /the report is no whole JSON \(200 characters\)/],
    ['is empty', '', /no whole JSON/],
    ['has another schema', { ...reportOf(), SchemaVersion: 3 }, /another schema \(SchemaVersion:/],
    ['lacks its metadata', { ...reportOf(), Metadata: undefined }, /another schema \(Metadata:/],
    ['has an unknown class', reportOf([{ Target: 'x', Class: 'custom' }]), /another schema \(Results.1.Class:/],
    ['has an unknown severity', reportOf([vulnerability({ Severity: 'SEVERE' })]), /another schema/],
    [
      'had findings taken out',
      reportOf([{ Target: 'x', Class: 'os-pkgs', ExperimentalModifiedFindings: [{}] }]),
      /holds findings that the scanner took out/,
    ],
    ['is of a file system', { ...reportOf(), ArtifactType: 'filesystem' }, /another schema \(ArtifactType:/],
    ['is of another version', { ...reportOf(), Trivy: { Version: '0.69.4' } }, /of Trivy 0.69.4, pinned is 0.74.0/],
    [
      'is about another image',
      reportOf([], { ImageID: sha256('other') }),
      /is about image sha256:[0-9a-f]{64}, built was/,
    ],
  ])('is refused when it %s', (_, report, message) => {
    expect(() => verdictOn(report)).toThrow(message)
    expect(() => verdictOn(report)).toThrow(expect.objectContaining({ kind: 'refused' }))
  })

  test.each<[string, object, string]>([
    ['no operating system', reportOf([], { OS: undefined }), 'os-unknown'],
    [
      'an operating system at its end',
      reportOf([], { OS: { Family: 'debian', Name: '10', EOSL: true } }),
      'os-end-of-life',
    ],
    ['no packages', { ...reportOf(), Results: [] }, 'no-packages'],
    ['no results at all', { ...reportOf(), Results: undefined }, 'no-packages'],
  ])("is refused for %s, also in a vendor's image, unless that is allowed", (_, report, id) => {
    expect(refusing(report)).toEqual([`coverage ${id}`])
    expect(refusing(report, { built: false, ...policy({ vendors: 'report' }) })).toEqual([`coverage ${id}`])
    const waivers = parseWaivers(
      'w.yml',
      `- {id: ${id}, reason: scratch image of one binary, owner: jane, expires: 2026-12-24}`,
      now.getTime(),
    )
    expect(refusing(report, { waivers })).toEqual([])
  })

  test.each([
    ['25 h old', '2026-11-27T10:59:00Z', /25 h old, allowed are 24 h/],
    ['years old', '2020-01-01T00:00:00Z', /old, allowed are 24 h/],
    ['from the future', '2026-11-28T14:00:00Z', /in the future: set the clock/],
  ])('is refused when its database is %s', (_, made, message) => {
    expect(() => requireFreshDatabase(new Date(made), now)).toThrow(message)
  })

  test('is none when its database is 24 h old', () => {
    expect(() => requireFreshDatabase(new Date('2026-11-27T12:00:00Z'), now)).not.toThrow()
  })
})

describe("the verdict on a vendor's image", () => {
  const report = reportOf([vulnerability(), secret, misconfiguration('HIGH')])
  const known = (...names: string[]) => ({ known: new Map([['api', new Set(names)]]) })
  const all = ['CVE-2026-1 in openssl', 'private-key in /app/.env', 'DS-0002']

  test.each<[string, Partial<Standard>, string[]]>([
    ['passes everything in a first release', {}, []],
    ['passes what the last release had', known(...all), []],
    [
      'refuses what is new since the last release',
      known('DS-0002', 'CVE-2026-1 in libssl'),
      ['secret private-key', 'vulnerability CVE-2026-1'],
    ],
    ['passes everything of a service that the last release did not have', { known: new Map([['web', new Set()]]) }, []],
    [
      'refuses everything where all is refused',
      { ...known(...all), ...policy({ vendors: 'all' }) },
      ['misconfiguration DS-0002', 'secret private-key', 'vulnerability CVE-2026-1'],
    ],
    ['refuses nothing where all is reported', { ...known(), ...policy({ vendors: 'report' }) }, []],
  ])('%s', (_, options, expected) => {
    expect(refusing(report, { built: false, ...options }).sort()).toEqual(expected)
  })

  test('reports a licence of the list, whatever the last release had, unless it is judged as an own image', () => {
    const listed = { licences: ['AGPL-3.0-only'] }
    const found = reportOf([licence('AGPL-3.0-only')])
    expect(verdictOn(found, { built: false, ...known(), ...policy(listed) }).verdict?.open).toEqual([
      'AGPL-3.0-only in x',
    ])
    expect(refusing(found, { built: false, ...known(), ...policy({ ...listed, vendors: 'all' }) })).toEqual([
      'licence AGPL-3.0-only',
    ])
  })

  test('names what it lets pass, for the next release to compare with', () => {
    const { verdict, reported } = verdictOn(report, { built: false })
    expect(verdict?.open).toEqual([...all].sort())
    expect(reported).toHaveLength(3)
    expect(refusing(report, { built: false, ...known(...(verdict?.open ?? [])) })).toEqual([])
  })
})

describe('a waiver', () => {
  const report = reportOf([vulnerability(), vulnerability({ PkgName: 'libxml2' })])
  /** What counts as known once a release with this verdict was pushed. */
  const pushed = ({ verdict }: Judgement) =>
    knownFindings({
      manifest: { images: { api: { verdict } } } as unknown as ReleaseManifest,
      evidence: { api: { report: JSON.stringify(report), sbom: '{}' } },
    })
  const written = (rest: string) =>
    parseWaivers(
      'w.yml',
      `- {id: CVE-2026-1, reason: not reachable here, owner: jane, expires: 2026-12-24${rest}}`,
      now.getTime(),
    )

  test.each<[string, string, string[]]>([
    ['lets its id pass in every package', '', []],
    ['lets its id pass in its package alone', ', package: openssl', ['libxml2']],
    ['lets its id pass in its image', ', image: api', []],
    ['lets its id pass in an image that its service shares', ', image: worker', []],
    ['lets nothing pass in another image', ', image: web', ['libxml2', 'openssl']],
    ['lets nothing pass at another path', ', path: /app', ['libxml2', 'openssl']],
  ])('%s', (_, rest, expected) => {
    const judgement = verdictOn(report, { waivers: written(rest) })
    expect(judgement.refused.map((each) => each.package).sort()).toEqual(expected)
    if (judgement.verdict) expect(judgement.verdict.waived).toEqual(['CVE-2026-1 in libxml2', 'CVE-2026-1 in openssl'])
  })

  test("lets what is new in a vendor's image pass as long as it stands, not for ever once that was pushed", () => {
    const vendors = { built: false, known: new Map([['api', new Set(['CVE-2026-1 in openssl'])]]) }
    const judged = verdictOn(report, { ...vendors, waivers: written('') })
    expect(judged.verdict).toMatchObject({ open: ['CVE-2026-1 in openssl'], waived: ['CVE-2026-1 in libxml2'] })
    const next = { built: false, known: pushed(judged) }
    expect(verdictOn(report, { ...next, waivers: written('') }).verdict).toEqual(judged.verdict)
    expect(verdictOn(report, next).refused.map(nameOf)).toEqual(['CVE-2026-1 in libxml2'])
  })

  test('that nothing needed is named by file and line', () => {
    const waivers = [...written(''), ...written(', package: curl')]
    const unused = unusedWaivers(waivers, [verdictOn(report, { waivers })])
    expect(unused.map(({ at, package: name }) => `${at} ${name}`)).toEqual(['w.yml:1 curl'])
  })
})
