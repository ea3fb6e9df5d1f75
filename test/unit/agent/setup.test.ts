import { describe, expect, it } from 'vitest'
import { judgeVersion } from '../../../src/agent/server/engine-age.ts'
import { addKeys, linesLost, parseNamedKey, readKeys, renderKeys } from '../../../src/agent/setup/authorized-keys.ts'
import { checkRequirements, judgeDisk, judgePorts, judgeSystem } from '../../../src/agent/setup/requirements.ts'
import { Problems } from '../../../src/lib/index.ts'
import { MemoryHost } from './memory-host.ts'

const body = Buffer.alloc(51, 7).toString('base64')
const key = `ssh-ed25519 ${body}`

describe('the keys of a server', () => {
  it('are taken with their name and without their comment', () => {
    expect(parseNamedKey(`ci-staging=${key} ann@laptop`)).toEqual({ name: 'ci-staging', key })
  })

  it.each([
    ['no name', key],
    ['an empty name', `=${key}`],
    ['a name with a space', `ci staging=${key}`],
    ['a name that would end the command', `ci"=${key}`],
    ['a name with a line break', `ci\nx=${key}`],
    ['the name of a person at the console', `console=${key}`],
    ['the name of a proof', `pacs-setup-proof=${key}`],
    ['options before the key', `ci=command="sh" ${key}`],
    ['two lines', `ci=${key}\n${key}`],
    ['a private key', 'ci=-----BEGIN OPENSSH PRIVATE KEY-----'],
    ['an old type', `ci=ssh-dss ${body}`],
    ['a body that is none', 'ci=ssh-ed25519 AAAA'],
  ])('are refused with %s', (_what, text) => {
    expect(() => parseNamedKey(text)).toThrow(
      expect.objectContaining({ kind: 'bad-input', message: expect.stringMatching(/--key/) }),
    )
  })

  it('may speak to the agent under their name and open one forward, nothing else', () => {
    expect(renderKeys([{ name: 'ci', key }]).split('\n')[1]).toBe(
      `restrict,port-forwarding,permitopen="127.0.0.1:27017",command="/usr/local/bin/pacs-agent ssh --key ci" ${key}`,
    )
  })

  it('are read back as they were written', () => {
    const keys = [
      { name: 'ci', key },
      { name: 'laptop', key: `ssh-ed25519 ${Buffer.alloc(51, 8).toString('base64')}` },
    ]
    expect(readKeys(renderKeys(keys))).toEqual(keys)
  })

  it('are not that of a proof of a login, which a cut left there', () => {
    const keys = [{ name: 'ci', key }]
    expect(readKeys(renderKeys([...keys, { name: 'pacs-setup-proof', key }]))).toEqual(keys)
  })

  it('keep the addresses that a person let them come from, also when they are replaced', () => {
    const [header, line] = renderKeys([{ name: 'ci', key }]).split('\n')
    const content = [header, `from="10.1.0.0/16,!10.1.0.9",${line}`, ''].join('\n')
    const next = `ssh-ed25519 ${Buffer.alloc(51, 9).toString('base64')}`
    expect(linesLost(content)).toEqual([])
    expect(renderKeys(readKeys(content))).toBe(content)
    expect(renderKeys(addKeys(readKeys(content), [{ name: 'ci', key: next }]))).toBe(content.replace(key, next))
  })

  it('are told of by line where another run would lose what a person wrote', () => {
    const [header, line, proof] = renderKeys([
      { name: 'ci', key },
      { name: 'pacs-setup-proof', key },
    ]).split('\n')
    const byHand = ['restrict,from="10.0.0.1",', 'expiry-time="20270101",restrict,'].map((start) =>
      line?.replace('restrict,', start),
    )
    const content = [header, '', line, ' # laptop', proof, ...byHand, key, ''].join('\n')
    expect(linesLost(content)).toEqual([6, 7, 8])
  })

  it('are replaced by name', () => {
    const next = `ssh-ed25519 ${Buffer.alloc(51, 9).toString('base64')}`
    expect(addKeys([{ name: 'ci', key }], [{ name: 'ci', key: next }])).toEqual([{ name: 'ci', key: next }])
  })

  it('have one name each', () => {
    expect(() => addKeys([{ name: 'ci', key }], [{ name: 'laptop', key }])).toThrow(/the same key is called ci/)
  })
})

describe('what a server needs', () => {
  it.each([
    ['26.1.5+dfsg1', '26.1.0', true],
    ['26.1.0', '26.1.0', true],
    ['v2.26.1-4', '2.26.0', true],
    ['100.0', '26.1.0', true],
    ['20.10.24+dfsg1', '26.1.0', false],
    ['2.9.0', '2.26.0', false],
    ['1.29.2', '2.26.0', false],
    ['soon', '2.26.0', false],
    ['', '26.1.0', false],
  ])('is judged by number: %s where %s is needed', (found, oldest, good) => {
    const problems = new Problems()
    judgeVersion('Docker', found, oldest, problems)
    expect(problems.found.length === 0).toBe(good)
  })

  it('names what is missing and what is too old with both versions', () => {
    const problems = new Problems()
    judgeVersion('Docker Engine', null, '26.1.0', problems)
    judgeVersion('Docker Compose', '1.29.2', '2.26.0', problems)
    expect(problems.found).toEqual([
      expect.stringMatching(/Docker Engine is missing .*26\.1\.0 or newer/),
      expect.stringMatching(/^Docker Compose is 1\.29\.2, too old, 2\.26\.0 or newer is needed: install Docker's own/),
    ])
  })

  it('is ports that nothing but the engine listens on', () => {
    const problems = new Problems()
    judgePorts(
      [
        'LISTEN 0 4096 0.0.0.0:80 0.0.0.0:* users:(("docker-proxy",pid=7,fd=4))',
        'LISTEN 0 511 *:443 *:* users:(("nginx",pid=8,fd=6),("nginx",pid=9,fd=6))',
        'LISTEN 0 511 [::]:443 [::]:* users:(("nginx",pid=8,fd=7))',
        'LISTEN 0 128 0.0.0.0:8080 0.0.0.0:* users:(("java",pid=10,fd=6))',
        'LISTEN 0 128 0.0.0.0:4242 0.0.0.0:* users:(("Orthanc",pid=11,fd=9))',
      ].join('\n'),
      problems,
    )
    expect(problems.found).toEqual([
      expect.stringMatching(/^port 443 is taken by nginx: stop it for good .*, the stack's entry listens there$/),
      expect.stringMatching(/^port 4242 is taken by Orthanc: .*, Orthanc, for DICOM, listens there$/),
    ])
  })

  it('is room for the images of two releases', () => {
    const problems = new Problems()
    judgeDisk('/var/lib/docker', 4 * 2 ** 30, problems)
    expect(problems.found).toEqual([])
    judgeDisk('/var/lib/docker', 1.5 * 2 ** 30, problems)
    expect(problems.found).toEqual([expect.stringMatching(/^\/var\/lib\/docker has 1\.5 GiB free, 4\.0 are needed/)])
  })

  it.each([
    [{ ID: 'debian', VERSION_ID: '12' }, 0, 0],
    [{ ID: 'debian', VERSION_ID: '13' }, 0, 0],
    [{ ID: 'debian', VERSION_ID: '11', PRETTY_NAME: 'Debian 11' }, 1, 0],
    [{ ID: 'debian', VERSION_ID: '14', PRETTY_NAME: 'Debian 14' }, 0, 1],
    [{ ID: 'debian', PRETTY_NAME: 'Debian sid' }, 0, 1],
    [{ ID: 'ubuntu', VERSION_ID: '24.04', PRETTY_NAME: 'Ubuntu 24.04' }, 0, 1],
    [{ ID: 'fedora', PRETTY_NAME: 'Fedora 43' }, 1, 0],
    [{}, 1, 0],
  ])('is a system that was tested, or one that is named: %j', (release, problemCount, warningCount) => {
    const problems = new Problems()
    const warnings: string[] = []
    judgeSystem(release, problems, warnings)
    expect([problems.found.length, warnings.length]).toEqual([problemCount, warningCount])
  })

  it.each<[string, string, RegExp[]]>([
    ['a program that is no root', 'id', [/^set-up needs root: sudo$/]],
    ['no systemd', 'systemctl show-environment', [/^systemd does not answer/]],
    ['no sshd', 'sh -c command -v sshd', [/^sshd is missing/]],
    ['no group of the engine', 'getent group docker', [/^the group docker is missing/]],
    ['no engine', 'docker version', [/^Docker Engine is missing/]],
    ['no Compose', 'docker compose version', [/^Docker Compose is missing/]],
    ['nothing', 'no such program', []],
  ])('is found lacking where there is %s', async (_what, lacking, messages) => {
    expect(await required('12', lacking)).toEqual(messages.map((message) => expect.stringMatching(message)))
  })

  it('is no engine on Debian 13, whose own set-up installs, unless one is there that is too old', async () => {
    const old = { 'docker version': '20.10.24', 'docker compose version': '2.26.1' }
    expect(await required('13', 'sh -c command -v docker', {})).toEqual([])
    expect(await required('13', '', old)).toEqual([expect.stringMatching(/^Docker Engine is 20\.10\.24/)])
    expect(await required('12', 'sh -c command -v docker', old)).toHaveLength(1)
  })

  /** What is found on a Debian where all is there, but for what `lacking` begins. */
  async function required(version: string, lacking: string, versions: Record<string, string> = VERSIONS) {
    const host = new MemoryHost()
    host.put('/etc/os-release', `ID=debian\nVERSION_ID="${version}"\n`)
    host.answer = (command) => {
      if (lacking !== '' && command.startsWith(lacking)) return { code: 1 }
      return Object.entries(versions).find(([asked]) => command.startsWith(asked))?.[1] ?? ''
    }
    const problems = new Problems()
    await checkRequirements(host, lacking === 'id' ? 1000 : 0, problems)
    return problems.found
  }
})

const VERSIONS = { 'docker version': '26.1.5', 'docker compose version': '2.26.1' }
