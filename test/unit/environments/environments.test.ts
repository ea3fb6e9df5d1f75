import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { findEnvironment, parseEnvironments } from '../../../src/ssh/index.ts'
import { ED25519 } from '../ssh/keys.ts'

const FILE = 'deployment/environments.yml'
const GOOD = `staging:
  host: 10.0.0.5
  user: pacs
  host-keys: ['${ED25519}']
  public-url: https://staging.example.org/
`

function refusal(work: () => unknown): string[] {
  try {
    work()
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message.split('\n') : []
  }
  return []
}

describe('environments file', () => {
  it('is read with its defaults', () => {
    expect(parseEnvironments(FILE, GOOD)).toEqual([
      {
        name: 'staging',
        target: { host: '10.0.0.5', port: 22, user: 'pacs', 'host-keys': [ED25519] },
        publicUrl: 'https://staging.example.org/',
      },
    ])
  })

  it('is the annotated example of this repository', () => {
    const text = readFileSync(new URL(`../../../${FILE}`, import.meta.url), 'utf8')
    expect(parseEnvironments(FILE, text).map(({ name }) => name)).toEqual(['staging', 'production'])
  })

  it('gets every mistake with its line', () => {
    const text = `staging:
  host: -oProxyCommand=id
  port: '22'
  user: pa cs
  host-keys: []
  password: x
production:
  host: 10.0.0.5
  user: pacs
  host-keys: ['${ED25519}']
  public-url: http://pacs.example.org
  jump:
    host: gate
    users: gate
    host-keys: ['${ED25519}']
`
    expect(refusal(() => parseEnvironments(FILE, text)).toSorted()).toEqual(
      [
        `${FILE}:2: staging.host is no host name or address (letters, digits, dots and inner hyphens)`,
        `${FILE}:3: staging.port is no number`,
        `${FILE}:4: staging.user is no user name (letters, digits, _, . and -, not first)`,
        `${FILE}:5: staging.host-keys is empty: a server without a pinned host key could be any server`,
        `${FILE}:2: staging.public-url is missing`,
        `${FILE}:6: staging.password is not known; known are host, port, user, host-keys, jump, public-url`,
        `${FILE}:11: production.public-url is no public URL (https://host, without user and password)`,
        `${FILE}:13: production.jump.user is missing`,
        `${FILE}:14: production.jump.users is not known; known are host, port, user, host-keys`,
      ].toSorted(),
    )
  })

  it.each([
    '-oProxyCommand=id',
    'a\nProxyCommand id',
    'a\u0000b',
    'a$(id)',
    'a`id`',
    'a;id',
    "a'b",
    'a|b',
    'a%h',
    'a b',
  ])('is refused with %j as host and user of a jump host, in a line for each that shows none of it', (text) => {
    const jump = `  jump:\n    host: ${JSON.stringify(text)}\n    user: ${JSON.stringify(text)}\n    host-keys: ['${ED25519}']\n`
    expect(refusal(() => parseEnvironments(FILE, GOOD + jump))).toEqual([
      `${FILE}:7: staging.jump.host is no host name or address (letters, digits, dots and inner hyphens)`,
      `${FILE}:8: staging.jump.user is no user name (letters, digits, _, . and -, not first)`,
    ])
  })

  it('may share a jump host by an anchor, and every mistake in it keeps a line', () => {
    const jump = (host: string) =>
      `  jump: &bastion\n    host: ${host}\n    user: gate\n    host-keys: ['${ED25519}']\n`
    const production = `${GOOD.replace('staging:', 'production:')}  jump: *bastion\n`
    const [staging, other] = parseEnvironments(FILE, GOOD + jump('gate.example.org') + production)
    expect(other?.target.jump).toEqual(staging?.target.jump)
    expect(other?.target.jump?.host).toBe('gate.example.org')
    expect(refusal(() => parseEnvironments(FILE, GOOD + jump('-o') + production))).toEqual(
      [7, 15].map((line) => expect.stringMatching(`^${FILE}:${line}: \\w+\\.jump\\.host is no host name`)),
    )
  })

  it('is refused with the line of an alias that names nothing, and when aliases make too much of it', () => {
    expect(refusal(() => parseEnvironments(FILE, `${GOOD}  jump: *bastoin\n`))).toEqual([
      `${FILE}:6: *bastoin names nothing: no &bastoin stands before it`,
    ])
    const laughs =
      'a: &a [x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b]\nd: [*c, *c]\n'
    expect(refusal(() => parseEnvironments(FILE, laughs))[0]).toMatch(/^deployment\/environments\.yml: Excessive alias/)
  })

  it('is refused when it is no YAML, no mapping, or empty', () => {
    expect(refusal(() => parseEnvironments(FILE, 'a: [1'))[0]).toMatch(/^deployment\/environments\.yml:1: /)
    expect(refusal(() => parseEnvironments(FILE, '- a'))[0]).toMatch(/^deployment\/environments\.yml:1: the file is no/)
    expect(refusal(() => parseEnvironments(FILE, '{}'))).toEqual([`${FILE} names no environment`])
    expect(refusal(() => parseEnvironments(FILE, GOOD + GOOD))[0]).toMatch(/:6: Map keys must be unique/)
  })

  it('names the known environments when the wanted one is not among them', () => {
    const environments = parseEnvironments(FILE, GOOD + GOOD.replace('staging:', 'production:'))
    expect(findEnvironment(FILE, environments, 'production').name).toBe('production')
    expect(refusal(() => findEnvironment(FILE, environments, 'prod'))).toEqual([
      `${FILE} has no environment "prod"; it has staging, production`,
    ])
  })
})
