import { describe, expect, test } from 'vitest'
import { parseWaivers } from '../../../../src/images/scan/waivers.ts'

const now = Date.parse('2026-11-28T12:00:00Z')
const read = (text: string) => parseWaivers('scan-waivers.yml', text, now)

const one = (changed: Record<string, string | undefined>) =>
  Object.entries({
    id: 'CVE-2026-1',
    reason: 'the parser is never fed by users',
    owner: 'jane',
    expires: '2026-12-24',
    ...changed,
  })
    .filter(([, value]) => value !== undefined)
    .map(([key, value], index) => `${index === 0 ? '- ' : '  '}${key}: ${value}`)
    .join('\n')

describe('the waivers file', () => {
  test('is a list, and may be empty', () => {
    expect(read('')).toEqual([])
    expect(read('# none\n')).toEqual([])
    expect(
      read(`# why\n${one({ package: 'openssl', path: '/usr', image: 'api' })}\n${one({ id: 'DS-0002' })}\n`),
    ).toEqual([
      {
        id: 'CVE-2026-1',
        reason: 'the parser is never fed by users',
        owner: 'jane',
        expires: '2026-12-24',
        package: 'openssl',
        path: '/usr',
        image: 'api',
        at: 'scan-waivers.yml:2',
      },
      expect.objectContaining({ id: 'DS-0002', at: 'scan-waivers.yml:9' }),
    ])
  })

  test('may take a value from another waiver, and names the line of an alias that names nothing', () => {
    const first = one({ reason: '&fed the parser is never fed by users' })
    expect(read(`${first}\n${one({ id: 'CVE-2026-2', reason: '*fed' })}\n`).map(({ reason }) => reason)).toEqual([
      'the parser is never fed by users',
      'the parser is never fed by users',
    ])
    expect(() => read(one({ path: '*.jar' }))).toThrow(
      /^scan-waivers\.yml:5: \*\.jar names nothing: no &\.jar stands before it$/,
    )
  })

  test.each<[string, string, RegExp]>([
    [
      'a key of Trivy',
      one({ expires: undefined, expired_at: '2026-12-24' }),
      /scan-waivers.yml:4: expired_at is not known; known are id, reason, owner, expires, image, package, path/,
    ],
    ['no reason', one({ reason: undefined }), /^scan-waivers.yml:1: reason is missing$/],
    [
      'a reason that says nothing',
      one({ reason: 'ok' }),
      /^scan-waivers.yml:2: reason must say in at least 10 characters/,
    ],
    ['no owner', one({ owner: undefined }), /:1: owner is missing/],
    ['no day of expiry', one({ expires: undefined }), /:1: expires is missing/],
    ['a day that is none', one({ expires: 'never' }), /:4: expires must be a day \(2026-12-31\)/],
    ['a day that the calendar lacks', one({ expires: '2026-02-30' }), /:4: expires must be a day/],
    [
      'a day that is past',
      one({ expires: '2026-11-27' }),
      /^scan-waivers.yml:4: expired on 2026-11-27: mend the finding/,
    ],
    ['a day too far ahead', one({ expires: '2027-03-01' }), /:4: 2027-03-01 is more than 90 days ahead/],
    ['a package that is a list', one({ package: '[a, b]' }), /:5: package is no string/],
    ['no list', 'id: CVE-2026-1', /:1: the file is no list of waivers/],
    ['a waiver that is a word', '- CVE-2026-1', /:1: the waiver is no object/],
    ['no YAML', `${one({})}\n- {id: `, /^scan-waivers.yml:\d+: /],
    ['a key twice', `${one({})}\n  owner: joe`, /:5: Map keys must be unique/],
  ])('is refused with %s', (_, text, message) => {
    expect(() => read(text)).toThrow(message)
    expect(() => read(text)).toThrow(expect.objectContaining({ kind: 'bad-input' }))
  })

  test('names every mistake at once', () => {
    expect(() => read(`${one({ reason: undefined })}\n${one({ expires: '2020-01-01' })}`)).toThrow(
      /:1: reason is missing\nscan-waivers.yml:7: expired on 2020-01-01/,
    )
  })

  test.each([
    ['its last day', '2026-11-28'],
    ['the 90th day', '2027-02-26'],
  ])('holds on %s', (_, expires) => {
    expect(read(one({ expires }))).toHaveLength(1)
  })
})
