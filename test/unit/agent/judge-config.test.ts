import { describe, expect, it } from 'vitest'
import { judgeEnv, readExample } from '../../../src/agent/server/judge-env.ts'
import { judgeSecrets } from '../../../src/agent/server/judge-secrets.ts'
import { judgeUsers } from '../../../src/agent/server/judge-users.ts'
import { Problems, parseEnvFile } from '../../../src/lib/index.ts'
import { makeSecrets } from '../../site/make-secrets.ts'

const example = readExample(`# HOST: what users type. Default: none.\nHOST='pacs.hospital.test'\n#LEVEL='debug'\n`)

function judged(text: string, known: string[] | null = ['HOST', 'LEVEL', 'DICOM_MODALITIES']): readonly string[] {
  const problems = new Problems()
  judgeEnv(text, { example, known, problems })
  return problems.found
}

describe('what a person writes into .env', () => {
  it('is fit when what Compose reads is what stands there, over several lines too, and is their own', () => {
    const modalities = `{\n  "ct1": ["CT1", "10.0.0.5", 104] # a comment of JSON it is not\n}`
    expect(
      judged(`# a comment\n\nHOST='pacs.clinic.test' # theirs\nLEVEL=debug\nDICOM_MODALITIES='${modalities}'\nOWN=1\n`),
    ).toEqual([])
    expect(judged(`HOST='a$b\\c # d'\nOWN="one\ntwo"\nLEVEL=debug\n`)).toEqual([])
  })

  it.each([
    [
      'HOST=a$b',
      /^\.env:1: HOST has a \$ and no quotes: Compose would put a variable there; write HOST='…', in single quotes$/,
    ],
    ['HOST="a$b"', /HOST has a \$ or a \\ in double quotes/],
    ['HOST=a #b', /HOST has a # and no quotes/],
    ['HOST=a#b', /HOST has a # and no quotes/],
    ['HOST=a b', /HOST has a space and no quotes/],
    ['HOST=it"s', /HOST has a quote inside and none around it/],
    ["HOST='a", /HOST begins with ' and does not end with it/],
    ["HOST='it's'", /HOST goes on after the ' that ends it/],
    ['HOST: a', /^\.env:1: is no assignment: write NAME='value'/],
    ["HOST='pacs.hospital.test'", /HOST is still the value of \.env\.example: put your own/],
    ["OTHER='pacs.example.org'", /OTHER is still a placeholder/],
    ['OTHER=<password>', /OTHER is still a placeholder/],
    ["HOST='a.test'\nLEVEL='info'\nHOST='b.test'", /^\.env:3: HOST stands in line 1 too, and the last one counts/],
    ['HOST=`a`', /^\.env:1: HOST is read otherwise than it stands there; write HOST='…', in single quotes$/],
    ['OWN=1\u00a0', /^\.env:1: OWN is read otherwise/],
    ['export\tHOST=a', /^\.env:1: HOST is not read at all; write HOST='…', in single quotes$/],
    ["LEVEK='info'", /LEVEK is read by nothing: is it LEVEL\?/],
    ["DICOM_MODALITES='{}'", /DICOM_MODALITES is read by nothing: is it DICOM_MODALITIES\?/],
  ])('is named by its line: %s', (text, message) => {
    expect(judged(text)).toEqual([expect.stringMatching(message)])
  })

  it('may be an example where that is only a suggestion, and of any name where no release says what is read', () => {
    expect(judged("LEVEL='debug'")).toEqual([])
    expect(judged("LEVEK='info'", null)).toEqual([])
  })
})

describe('a .env that is read', () => {
  it('gives each line its own value, with a blank after =, line ends of Windows and a mark of the byte order', () => {
    const text = "\uFEFFHOST= \nBACKUP= \t\r\nLEVEL='debug'\r\nOWN=1  \r\nLAST= "
    expect(parseEnvFile(text)).toEqual({ HOST: '', BACKUP: '', LEVEL: 'debug', OWN: '1', LAST: '' })
    expect(judged(text, null)).toEqual([])
  })

  it('is judged by it where a value takes in the line below', () => {
    expect(judged('OWN=`a\nBACKUP=b\nLEVEL=c`', null)).toEqual([
      expect.stringMatching(/^\.env:1: OWN is read otherwise/),
      expect.stringMatching(/^\.env:2: BACKUP is not read at all/),
      expect.stringMatching(/^\.env:3: LEVEL is not read at all/),
    ])
  })
})

describe('the secrets of a server', () => {
  const good = '5f2c9a41d07be8365f2c9a41d07be836'

  function found(secrets: Record<string, string>): readonly string[] {
    const problems = new Problems()
    judgeSecrets(new Map(Object.entries(secrets)), problems)
    for (const [path, value] of Object.entries(secrets))
      if (value.length > 3) expect(problems.found.join().replaceAll(path, '')).not.toContain(value)
    return problems.found
  }

  it('are fit when they are long and random, and each its own; files of several users are their services to judge', () => {
    expect(
      found({
        'secrets/app-password': good,
        'secrets/session-key': `${good}1`,
        'secrets/least-password': 'abcdefabcdef',
        'secrets/users.json': '{}',
        '.env: LEVEL': 'info',
      }),
    ).toEqual([])
  })

  it.each([
    ['secrets/app-password', 'orthanc', /^secrets\/app-password: is weak \(a common word\)/],
    ['secrets/app-password', 'Password123!', /a common word/],
    ['.env: DB_PASSWORD', 'hunter2', /^\.env: DB_PASSWORD: is weak \(7 characters, 12 are the least\)/],
    ['secrets/app-password', 'aaaaaaaabbbbbbbb', /2 different characters/],
    ['secrets/app-session-key', 'app-session-key', /its own name/],
    ['secrets/app-password', `${good}\n`, /begins or ends with a space or a line break/],
    ['secrets/app-password', `"${good}"`, /has quotes around it/],
  ])('are named when they are none: %s', (path, value, message) => {
    expect(found({ [path]: value })).toEqual([expect.stringMatching(message)])
  })

  it('are named when two are one', () => {
    expect(found({ 'secrets/a-password': good, 'secrets/b-password': good })).toEqual([
      'secrets/b-password: is the same as secrets/a-password: whoever learns one has both',
    ])
  })
})

describe("a file of a service's users", () => {
  const secrets = new Map([
    ['secrets/store-password', 'x'],
    ['secrets/store-metrics-password', 'x'],
    ['secrets/store-users.json', '{"RegisteredUsers":{"backend":"x"}}'],
    ['secrets/cache-app-password', 'x'],
    ['secrets/cache-metrics-password', 'x'],
    ['secrets/cache-users.acl', 'user default off\nuser app on #0 ~*\n'],
    ['secrets/app-users.json', '[{"name":"ann"}]'],
    ['secrets/app-admin-password', 'x'],
  ])
  const found = () => {
    const problems = new Problems()
    judgeUsers(secrets, problems)
    return problems.found
  }

  it('lacks nobody of those whose passwords make-secrets.sh makes', async () => {
    const { files } = await makeSecrets()
    const problems = new Problems()
    judgeUsers(new Map(Object.entries(files)), problems)
    expect(problems.found).toEqual([])
  })

  it('that lacks a user whose password a newer release brought is named with what to do', () => {
    expect(found()).toEqual([
      expect.stringMatching(
        /^secrets\/store-users\.json: has no user metrics, who logs in with secrets\/store-metrics-password: move .*make-secrets\.sh/,
      ),
      expect.stringMatching(/^secrets\/cache-users\.acl: has no user metrics, /),
    ])
    secrets.set('secrets/store-users.json', '{"RegisteredUsers":{"backend":"x","metrics":"y"}}')
    secrets.set('secrets/cache-users.acl', 'user app on #0 ~*\nuser metrics on #0\n')
    expect(found()).toEqual([])
  })
})
