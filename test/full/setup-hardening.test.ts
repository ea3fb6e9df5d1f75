import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { docker, LAB_LABEL, type Lab, type Machine } from '../lab/index.ts'
import { waitFor } from '../lab/wait.ts'
import { runSetUp, startServer } from '../server/set-up.ts'
import { SshClient } from '../server/ssh-client.ts'

/** Steps whose packages take a minute to install: a test of their own takes them in again. */
const LEFT_OUT = ['updates', 'fail2ban', 'logs'].flatMap((name) => ['--without', name])
const key = `ci=ssh-ed25519 ${Buffer.alloc(51, 1).toString('base64')}`
const HARDENING = '/etc/ssh/sshd_config.d/40-pacs-hardening.conf'

describe('the hardening of a server', () => {
  let lab: Lab
  let server: Machine

  beforeAll(async () => {
    ;({ lab, server } = await startServer())
    // The lab's own network has IPv4 only; this one has both.
    await docker(['network', 'create', '--ipv6', '--subnet', `${SIX}/64`, '--label', `${LAB_LABEL}=${lab.name}`, six()])
    for (const [machine, address] of [
      [server, SIX_SERVER],
      [lab.registry, SIX_SCANNER],
    ] as const)
      await docker(['network', 'connect', '--ip6', address, six(), machine.container])
    // What a scan finds: a published port, and one of the machine itself.
    await server.run([
      'docker',
      'run',
      '--detach',
      '--name',
      'web',
      ...published,
      'node:24-slim',
      'node',
      '-e',
      listen(3000),
    ])
    await server.run(['systemd-run', '--quiet', '--unit=own', '/root/node', '-e', listen(9998)])
    await waitFor('all ports to be open', async () => expect(await scan()).toBe('22 4242 80 9998 9999'), 60_000)
  })
  afterAll(() => lab?.down())

  const six = () => `pacs-lab-${lab.name}-six`

  /** The ports of the server that another container reaches, the same by IPv4 and by IPv6, or else those of each. */
  async function scan(): Promise<string> {
    const [by4, by6] = await Promise.all([await ipv4Of(server), SIX_SERVER].map(scanOf))
    return by4 === by6 ? String(by4) : `IPv4: ${by4}, IPv6: ${by6}`
  }

  async function scanOf(address: string): Promise<string> {
    const tries = PORTS.map(
      (port) => `timeout 2 bash -c ': </dev/tcp/${address}/${port}' 2>/dev/null && echo ${port} &`,
    )
    const said = await lab.registry.run(['bash', '-c', `${tries.join('\n')}\nwait`])
    return said.trim().split('\n').toSorted().join(' ')
  }

  /** What set-up may change on the machine, as one hash. */
  async function fingerprint(): Promise<string> {
    const find =
      "find /etc /opt /usr/local /var/lib/pacs-setup -xdev -not -path '/opt/pacs/journal*' -not -path '/opt/pacs/audit*'"
    return server.run(['sh', '-c', `${find} -type f -printf '%m %U:%G %p ' -exec sha256sum {} \\; | sort | sha256sum`])
  }

  const sshd = async (name: string) =>
    (await server.run(['sshd', '-T'])).split('\n').find((line) => line.startsWith(`${name} `))

  it('plans without a change, and goes on where a kill has cut it', async () => {
    const before = await fingerprint()
    const plan = await runSetUp(server, [key], [...LEFT_OUT, '--plan'])
    expect(plan).toMatchObject({ code: 0, stderr: '' })
    expect(plan.stdout).toMatch(
      /firewall: firewall, for published ports too\n {2}would change: package nftables: installed/,
    )
    expect(plan.stdout).toMatch(/kernel: not possible here: this is a container/)
    expect(await fingerprint()).toBe(before)

    const cut = `setsid /root/setup-production.sh --agent /root/agent.js --node /root/node --key '${key}' ${LEFT_OUT.join(' ')} | while read -r line; do
      case $line in *50-pacs-agent.conf*) pkill -9 -f '/opt/.pacs-setup' ;; esac; done`
    await server.exec(['sh', '-c', cut])
    expect(await server.exec(['ls', '/var/lib/pacs-setup/open'])).toMatchObject({ code: 0, stdout: 'access' })
    const { code, stdout, stderr } = await runSetUp(server, [key], LEFT_OUT)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^changed: sshd: reloaded$/m)
    expect(stdout).toMatch(/^changed: sshd: takes keys only, after a login of pacs and of root$/m)
    expect(stdout).toMatch(/^note: audit: not possible here: /m)
  })

  it('changes nothing the second time, by the hash of all that it could change', async () => {
    const before = await fingerprint()
    expect((await runSetUp(server, [key], [])).stdout).toMatch(/^nothing changed$/m)
    expect(await fingerprint()).toBe(before)
    const check = await server.exec(['/root/setup-production.sh', '--check', '--json'])
    expect(check).toMatchObject({ code: 0, stderr: '' })
    const { problems, steps }: { problems: unknown; steps: { id: string; state: string }[] } = JSON.parse(check.stdout)
    expect(problems).toEqual([])
    const states = Object.fromEntries(steps.map(({ id, state }) => [id, state]))
    expect(states).toMatchObject({ docker: 'ok', firewall: 'ok', ssh: 'ok', kernel: 'impossible', updates: 'left-out' })
    expect(await fingerprint()).toBe(before)
  })

  it('has its firewall again when nftables is reloaded, which flushes it', async () => {
    expect((await runSetUp(server, [key], LEFT_OUT)).code).toBe(0)
    // Debian's own begins with `flush ruleset`, which would take the lab's name service along.
    await server.copyIn(Buffer.from('table inet pacs\ndelete table inet pacs\n'), '/etc/nftables.conf')
    await server.run(['systemctl', 'start', 'nftables'])
    expect((await runSetUp(server, [], [])).code).toBe(0)
    await server.run(['systemctl', 'reload', 'nftables'])
    // systemctl waits for the reload that it was asked for, and not for ours after it.
    await waitFor('the rules', () => server.run(['nft', 'list', 'table', 'inet', 'pacs']), 10_000)
  })

  it('lets a scan from another container see what is open to it, over a restart of the engine, until it is taken back', async () => {
    expect(await scan()).toBe('22 80')
    const only = await ipv4Of(lab.registry)
    expect((await runSetUp(server, [], ['--open', '80', '--open', `4242=${only}`])).code).toBe(0)
    expect(await scan()).toBe('IPv4: 22 4242 80, IPv6: 22 80')
    expect((await runSetUp(server, [], ['--open', '80', '--open', `4242=${only},${SIX}/64`])).code).toBe(0)
    await server.run(['systemctl', 'restart', 'docker'])
    await server.run(['docker', 'start', 'web'])
    await waitFor('the port for this source', async () => expect(await scan()).toBe('22 4242 80'), 30_000)
    expect((await runSetUp(server, [], ['--open', '80', '--open', '4242=192.0.2.7'])).code).toBe(0)
    expect(await scan()).toBe('22 80')
    await server.run(['pacs-agent', 'setup', '--undo', '--only', 'firewall'])
    expect(await scan()).toBe('22 4242 80 9998 9999')
  })

  it('takes keys only, and never what a hand-edited sshd_config would lock out', async () => {
    expect(await sshd('passwordauthentication')).toBe('passwordauthentication no')
    await server.run(['pacs-agent', 'setup', '--undo', '--only', 'ssh'])
    expect(await sshd('passwordauthentication')).toBe('passwordauthentication yes')
    const original = await server.readText('/etc/ssh/sshd_config')
    const edits: [string, RegExp][] = [
      [`PasswordAuthentication yes\n${original}`, /PasswordAuthentication is yes, although .*; it was taken back/],
      [`${original}\nDenyUsers pacs\n`, /a new login of pacs with a key does not succeed .*; it was taken back/],
      [`AllowUsers pacs\n${original}`, /a new login of root with a key does not succeed .*; it was taken back/],
    ]
    for (const [content, message] of edits) {
      await server.copyIn(Buffer.from(content), '/etc/ssh/sshd_config')
      const { code, stderr } = await runSetUp(server, [], [])
      expect(stderr).toMatch(message)
      expect(code).toBe(22)
      expect((await server.exec(['ls', HARDENING])).code).not.toBe(0)
      expect(await server.readText('/etc/pacs-agent/authorized_keys')).not.toContain('proof')
      expect(await server.readText('/root/.ssh/authorized_keys')).not.toContain('proof')
    }
    await server.copyIn(Buffer.from(original), '/etc/ssh/sshd_config')
    await server.run(['systemctl', 'reload', 'ssh'])
    expect((await runSetUp(server, [], [])).code).toBe(0)
  })

  it('has the journal keep every line that a container writes, however fast', async () => {
    expect((await runSetUp(server, [], ['--with', 'logs'])).code).toBe(0)
    const lines = 100_000
    const write = `let left = ${lines}; const next = () => { while (left > 0) if (!process.stdout.write('line ' + left-- + '\\n')) return }
      process.stdout.on('drain', next); next()`
    const run = ['docker', 'run', '--name', 'fast', '--log-driver', 'journald', 'node:24-slim', 'node', '-e', write]
    await server.run(['sh', '-c', '"$@" >/dev/null', 'sh', ...run])
    const count = 'journalctl --no-pager -o cat CONTAINER_NAME=fast | sort -u | wc -l; docker logs fast | wc -l'
    await waitFor(
      'every line in the journal',
      async () => (await server.run(['sh', '-c', count])) === `${lines}\n${lines}`,
      60_000,
    )
    await server.run(['docker', 'rm', 'fast'])
  })

  it('takes in again what was left out: logs rotate, updates spare Docker, and who fails to log in is kept out', async () => {
    const taken = ['updates', 'fail2ban', 'logs'].flatMap((name) => ['--with', name])
    expect(await runSetUp(server, [], taken)).toMatchObject({ code: 0, stderr: '' })
    expect((await server.exec(['/root/setup-production.sh', '--check'])).code).toBe(0)

    const log = '/opt/pacs/logs/of-a-test.log'
    await server.run([
      'sh',
      '-c',
      `echo a line >${log} && chown pacs:pacs ${log} && logrotate --force /etc/logrotate.d/pacs`,
    ])
    expect(await server.readText(`${log}.1`)).toBe('a line')
    await server.run(['rm', log, `${log}.1`])
    expect(await server.run(['sh', '-c', 'unattended-upgrade --dry-run --debug 2>&1'])).toMatch(
      /blacklist: .*docker\[\.\]io\$/i,
    )

    await using stranger = await SshClient.create(server)
    const jail = () => server.run(['fail2ban-client', 'status', 'sshd'])
    await waitFor(
      'the stranger to be kept out, who has a key for no account',
      async () => {
        await stranger.exec(['pacs-agent', 'ssh'])
        return / banned:\t1\n[\s\S]*IP list:\t\d/.test(await jail())
      },
      120_000,
    )
    expect(await scan()).toBe('22 80')
    await server.run(['fail2ban-client', 'set', 'sshd', 'banip', await ipv4Of(lab.registry), SIX_SCANNER])
    await waitFor(
      'the other address to be kept out of this port alone',
      async () => expect(await scan()).toBe('80'),
      30_000,
    )
    await server.run(['fail2ban-client', 'unban', '--all'])
    await waitFor('the other address to come in again', async () => expect(await scan()).toBe('22 80'), 30_000)
  })

  it('is as well protected when the server comes back', async () => {
    await server.kill()
    await server.start()
    await server.run(['docker', 'start', 'web'])
    await waitFor('the open port', async () => expect(await scan()).toBe('22 80'), 30_000)
    expect(await sshd('passwordauthentication')).toBe('passwordauthentication no')
    expect(await server.exec(['/root/setup-production.sh', '--check'])).toMatchObject({ code: 0, stderr: '' })
  })

  it('refuses a machine whose entry is taken, and takes everything back but what holds data', async () => {
    await server.run(['docker', 'rm', '--force', 'web'])
    await server.run(['systemd-run', '--quiet', '--unit=squatter', '/root/node', '-e', listen(443)])
    const port = async () => (await runSetUp(server, [], [])).stderr
    await waitFor(
      'the port to be taken',
      async () => expect(await port()).toMatch(/port 443 is taken by (node|MainThread)/),
      30_000,
    )
    await server.run(['systemctl', 'stop', 'squatter'])
    await server.run(['touch', '/opt/pacs/backups/of-a-patient'])
    const undone = await server.run(['/root/setup-production.sh', '--undo'])
    expect(undone).toMatch(/^undone: ssh$[\s\S]*^undone: user$/m)
    const stays = [
      '/opt/pacs/backups: holds something',
      '/opt/pacs: holds something',
      'userdel pacs: not before /opt/pacs is gone',
    ]
    expect(undone.split('\n').filter((line) => line.startsWith('stays: '))).toEqual(
      stays.map((what) => `stays: ${what}`),
    )
    await server.run(['ls', '/opt/pacs/backups/of-a-patient'])
    const gone = ['/usr/local/bin/pacs-agent', '/etc/pacs-agent', '/etc/systemd/system/pacs-agent.service', HARDENING]
    for (const path of gone) expect((await server.exec(['ls', '-d', path])).code).not.toBe(0)
    expect((await server.exec(['systemctl', 'is-active', 'pacs-agent'])).code).not.toBe(0)
    expect(
      (await server.exec(['/root/setup-production.sh', '--agent', '/root/agent.js', '--node', '/root/node', '--undo']))
        .stdout,
    ).toBe('nothing to undo')
  })
})

/** A network of unique local addresses (RFC 4193). */
const SIX = 'fd5c:15:15::'
const SIX_SERVER = `${SIX}10`
const SIX_SCANNER = `${SIX}11`

/** On the lab's own network. */
async function ipv4Of({ container, network }: { container: string; network: string }): Promise<string> {
  return docker(['inspect', '-f', `{{(index .NetworkSettings.Networks "${network}").IPAddress}}`, container])
}

const PORTS = [22, 80, 4242, 9998, 9999]
const published = ['80', '4242', '9999'].flatMap((port) => ['--publish', `${port}:3000`])

function listen(port: number): string {
  return `require('http').createServer((_, answer) => answer.end('here')).listen(${port})`
}
