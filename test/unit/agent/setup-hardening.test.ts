import { describe, expect, it } from 'vitest'
import { Changer, undoStep } from '../../../src/agent/setup/changer.ts'
import { chosen, closedEntries, type OpenPort, parseOpen, remember } from '../../../src/agent/setup/choices.ts'
import { auditStep, failedLoginsStep } from '../../../src/agent/setup/hardening/attacks.ts'
import { dockerStep } from '../../../src/agent/setup/hardening/docker.ts'
import { firewallStep, RULES, renderRules } from '../../../src/agent/setup/hardening/firewall.ts'
import { hardeningSteps } from '../../../src/agent/setup/hardening/index.ts'
import { hugePagesStep, kernelStep } from '../../../src/agent/setup/hardening/kernel.ts'
import { sshStep } from '../../../src/agent/setup/hardening/ssh.ts'
import { timeStep, updatesStep } from '../../../src/agent/setup/hardening/upkeep.ts'
import { SetupRecord } from '../../../src/agent/setup/record.ts'
import { refuseWhileServing } from '../../../src/agent/setup/setup.ts'
import { sshPorts } from '../../../src/agent/setup/sshd.ts'
import { applyStep, judgeStep, type Step } from '../../../src/agent/setup/step.ts'
import { Problems } from '../../../src/lib/index.ts'
import { type Answer, MemoryHost, PowerCut } from './memory-host.ts'

const choices = { without: [], open: [], mongodb: 8 }

/** A machine whose programs all succeed, but for those that `answer` speaks for. */
function machine(answer: Answer = () => undefined): MemoryHost {
  const host = new MemoryHost()
  host.answer = (command, input) => {
    const said = answer(command, input)
    if (said !== undefined) return said
    if (command.startsWith('systemd-detect-virt')) return { code: 1, stdout: 'none' }
    if (command.startsWith('sshd -T'))
      return 'port 22\nlistenaddress 0.0.0.0:22\nauthorizedkeysfile .ssh/authorized_keys\n'
    if (command.startsWith('dpkg-query'))
      return command
        .split(' ')
        .slice(5)
        .map((name) => `${name} installed`)
        .join('\n')
    return ''
  }
  return host
}

const ports = (...given: string[]) => parseOpen(given, new Problems())
const judge = (step: Step, host: MemoryHost) => judgeStep(step, host, new SetupRecord(host), new Set())
const apply = (step: Step, host: MemoryHost) => applyStep(step, host, new SetupRecord(host), () => undefined)

describe('the choices of a machine', () => {
  const given = { without: [], with: [], open: [] }

  it('are remembered, and taken back by name', async () => {
    const host = machine()
    const problems = new Problems()
    const first = await chosen(host, { ...given, without: ['hardening'], open: ['443', '4242=10.2.0.0/16'] }, problems)
    expect(first.open).toEqual(ports('443', '4242=10.2.0.0/16'))
    await remember(host, first)
    const before = host.below('/')
    const again = await chosen(host, given, problems)
    expect(again).toEqual(first)
    await remember(host, again)
    expect(host.below('/')).toEqual(before)
    const later = await chosen(host, { ...given, with: ['hardening'], without: ['ssh'], mongodb: '7.0' }, problems)
    expect(later).toMatchObject({ without: [], mongodb: 7, open: first.open })
    expect(problems.found).toEqual([])
    expect(first.without).toEqual(
      hardeningSteps(host, choices, 'root')
        .map(({ id }) => id)
        .toSorted(),
    )
  })

  it('are ports up to the last, and sources of either family, each once', () => {
    expect(ports('65535=fd00::/128,10.0.0.0/32', '1', '65535=10.0.0.0/32')).toEqual([
      { port: 1, sources: [] },
      { port: 65535, sources: ['10.0.0.0/32', 'fd00::/128'] },
    ])
  })

  it('are refused with all that is wrong', async () => {
    const problems = new Problems()
    const open = [
      'https',
      '0',
      '70000',
      '4242=',
      '4242=10.0.0.0/33',
      '4242=10.0.0.0/8/8',
      '4242=10.0.0.0/8; drop',
      '4242=fe80::/129',
      '443,80',
    ]
    await chosen(machine(), { without: ['fire'], with: ['x'], open, mongodb: 'eight' }, problems)
    expect(problems.found).toEqual([
      expect.stringMatching(/^--without: there is no "fire"; there are docker, .*ssh, and hardening for all/),
      expect.stringMatching(/^--with: there is no "x"/),
      ...open.map((text) => expect.stringContaining(`--open: ${JSON.stringify(text)} is no port with its sources`)),
      '--mongodb: "eight" is no version; write --mongodb 8.0',
    ])
  })
})

describe('the firewall', () => {
  it('judges published ports by the port that was asked for, per source and family, and drops the rest', () => {
    const rules = renderRules(ports('80', '4242=10.2.0.0/16,10.3.0.7,fd00::/8'), [22])
    const published = rules.slice(rules.indexOf('chain published'))
    expect(
      published
        .split('\n')
        .slice(1, 6)
        .map((line) => line.trim()),
    ).toEqual([
      'meta l4proto tcp ct original proto-dst 80 accept',
      'ip saddr { 10.2.0.0/16, 10.3.0.7 } meta l4proto tcp ct original proto-dst 4242 accept',
      'ip6 saddr { fd00::/8 } meta l4proto tcp ct original proto-dst 4242 accept',
      'drop',
      '}',
    ])
    expect(rules).toMatch(/hook input priority filter - 5; policy drop;/)
    expect(rules).toMatch(/ tcp dport 22 accept\n {4}tcp dport 80 accept/)
  })

  it('is one for both families, and leaves each its neighbours and its lease of an address', () => {
    const rules = renderRules(ports('80'), [22])
    expect(rules.match(/^(?:delete )?table .*$/gm)).toEqual([
      'table inet pacs',
      'delete table inet pacs',
      'table inet pacs {',
    ])
    const machineChain = rules.slice(rules.indexOf('chain machine'), rules.indexOf('chain containers'))
    expect(machineChain.split('\n').map((line) => line.trim())).toEqual(
      expect.arrayContaining([
        'meta l4proto { icmp, ipv6-icmp } accept',
        'udp sport 67 udp dport 68 accept',
        'ip6 saddr fe80::/10 udp dport 546 accept',
      ]),
    )
  })

  it("always lets sshd's ports in, to named sources only where these hold who is logged in now", async () => {
    const session =
      '0 0 10.9.0.5:22 10.1.2.3:50000\n0 0 [::ffff:10.9.0.5]:22 [::ffff:10.1.2.4]:50000\n0 0 127.0.0.1:22 127.0.0.1:4\n'
    const host = machine((command) => (command.startsWith('ss ') ? session : undefined))
    const state = async (open: OpenPort[]) => (await judge(firewallStep(host, open), host)).details.join()
    expect(await state(ports('22=10.1.2.3'))).toMatch(
      /--open 22=10.1.2.3: 10.1.2.4 is logged in over SSH now and would be locked out/,
    )
    expect(await state(ports('22=10.1.2.0/24'))).toMatch(/firewall.nft: made/)
    expect(await state(ports('4242=10.4.0.0/16'))).toMatch(/firewall.nft: made/)
    expect(renderRules(ports('22=10.1.2.0/24'), [22])).not.toMatch(/^ *tcp dport 22/m)
  })

  it('says where no modality is let in', async () => {
    const noted = (...open: string[]) => firewallStep(machine(), ports(...open)).notes?.()
    expect(await noted('443')).toEqual([expect.stringMatching(/admits no modality: --open 4242=/)])
    expect(await noted('443', '4242=10.20.0.0/16')).toEqual([])
    expect(await noted('443', '11112=10.20.0.0/16')).toEqual([])
  })

  it('comes back when its rules do not load', async () => {
    const host = machine((command) =>
      command.startsWith('nft --check') ? { code: 1, stderr: 'syntax error' } : undefined,
    )
    await expect(apply(firewallStep(host, []), host)).rejects.toThrow(/syntax error; it was taken back/)
    expect(host.below('/etc/')).toEqual([])
  })

  it('has the rules of before in force again when new ones do not load, and none when it is undone', async () => {
    let isEnabled = false
    let fails = false
    const host = machine((command) => {
      if (command.startsWith('systemctl enable')) isEnabled = true
      if (command.startsWith('systemctl disable')) isEnabled = false
      if (command.startsWith('systemctl is-enabled') && !isEnabled) return { code: 1 }
      return fails && command.startsWith('systemctl reload-or-restart') ? { code: 1, stderr: 'no' } : undefined
    })
    await apply(firewallStep(host, []), host)
    const first = host.text(RULES)
    fails = true
    host.ran.length = 0
    await expect(apply(firewallStep(host, ports('443')), host)).rejects.toThrow(/taken back/)
    expect(host.text(RULES)).toBe(first)
    const shell = host.ran.filter((one) => one.startsWith('sh -c'))
    expect(shell.at(-1)).toBe(`sh -c test ! -e ${RULES} || systemctl reload-or-restart pacs-firewall.service`)
    expect(host.ran).not.toContain('systemctl stop pacs-firewall.service')
    host.ran.length = 0
    expect(await undoStep(host, new SetupRecord(host), 'firewall')).toEqual([])
    expect(host.ran).toContain('systemctl disable --quiet --now pacs-firewall.service')
    expect(host.below('/etc/')).toEqual([])
  })

  it('does not close what users come in by without a word', () => {
    const given = { without: [], with: [], open: ['4242'] }
    const closed = (...open: string[]) => closedEntries({ ...given, open }, { ...choices, open: ports(...open) })
    expect(closed('4242')).toEqual([expect.stringMatching(/cannot come in by 80 and 443: add --open 80 --open 443/)])
    expect(closed('443=10.0.0.0/8', '80')).toEqual([])
    expect(closed()).toEqual([])
    expect(closedEntries(given, { ...choices, open: ports('4242'), without: ['firewall'] })).toEqual([])
  })
})

describe('log-in by key only', () => {
  const keys = (host: MemoryHost) => host.put('/root/.ssh/authorized_keys', 'ssh-ed25519 AAAA hand\n', 0o600)
  const passwd = (command: string) => (command === 'getent passwd root' ? 'root:x:0:0::/root:/bin/sh' : undefined)

  it('is left alone where the hand that runs it has no key', async () => {
    const host = machine(passwd)
    expect(await judge(sshStep(host, 'root'), host)).toMatchObject({
      state: 'impossible',
      details: [
        expect.stringMatching(
          /root, who runs this, has no key in \/root\/\.ssh\/authorized_keys and would be locked out/,
        ),
      ],
    })
    host.put('/root/.ssh/authorized_keys', '# none yet\n\n')
    expect(await judge(sshStep(host, 'root'), host)).toMatchObject({ state: 'impossible' })
  })

  it('names the setting that a hand-edited sshd_config decides before it, and comes back', async () => {
    const set = 'port 22\npasswordauthentication yes\n'
    const host = machine((command) => passwd(command) ?? (command.startsWith('sshd -T') ? set : undefined))
    keys(host)
    await expect(apply(sshStep(host, 'root'), host)).rejects.toThrow(
      /PasswordAuthentication is yes, although .*sshd_config/,
    )
    expect(host.below('/etc/ssh')).toEqual([])
  })

  it('leaves what is stricter already as it is, in its own file too', async () => {
    const set =
      'port 22\npasswordauthentication no\nkbdinteractiveauthentication no\npermitemptypasswords no\n' +
      'permitrootlogin no\nmaxauthtries 3\nlogingracetime 20\nx11forwarding no\n'
    const host = machine((command) => {
      if (command.startsWith('sshd -T')) return set
      if (command.startsWith('mktemp')) return '/run/proof'
      if (command.startsWith('ssh -F'))
        return command.includes('-l pacs') ? 'HTTP/1.1 200 OK' : 'pacs-setup: this login is proven'
      return passwd(command)
    })
    keys(host)
    host.put('/run/proof/key.pub', 'ssh-ed25519 BBBB')
    await apply(sshStep(host, 'root'), host)
    expect(host.text('/etc/ssh/sshd_config.d/40-pacs-hardening.conf')?.trim().split('\n').slice(1)).toEqual([
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      'PermitEmptyPasswords no',
      'X11Forwarding no',
    ])
    expect(await judge(sshStep(host, 'root'), host)).toMatchObject({ state: 'ok' })
  })

  it('sets a grace time where there is none, which sshd writes as 0', async () => {
    const host = machine((command) => (command.startsWith('sshd -T') ? 'port 22\nlogingracetime 0\n' : passwd(command)))
    keys(host)
    const [written] = await sshStep(host, 'root').items()
    await written?.make(new Changer(host, new SetupRecord(host), 'ssh'))
    expect(host.text('/etc/ssh/sshd_config.d/40-pacs-hardening.conf')).toContain('\nLoginGraceTime 30\n')
  })

  it('comes back, and is reloaded, when the new login does not succeed; no key of the proof stays', async () => {
    const set =
      'port 22\npasswordauthentication no\nkbdinteractiveauthentication no\npermitemptypasswords no\n' +
      'permitrootlogin without-password\nmaxauthtries 4\nlogingracetime 30\nx11forwarding no\n'
    const host = machine((command) => {
      if (command.startsWith('sshd -T')) return set
      if (command.startsWith('mktemp')) return '/run/proof'
      if (command.startsWith('ssh -F'))
        return command.includes('-l pacs') ? 'HTTP/1.1 200 OK' : { code: 255, stderr: 'Permission denied' }
      return passwd(command)
    })
    keys(host)
    host.put('/run/proof/key.pub', 'ssh-ed25519 BBBB')
    host.put('/etc/pacs-agent/authorized_keys', '# none\n')
    await expect(apply(sshStep(host, 'root'), host)).rejects.toThrow(
      /a new login of root with a key does not succeed \(Permission denied\); it was taken back/,
    )
    expect(host.below('/etc/ssh')).toEqual([])
    expect(host.text('/root/.ssh/authorized_keys')).toBe('ssh-ed25519 AAAA hand\n')
    expect(host.text('/etc/pacs-agent/authorized_keys')).toBe('# none\n')
    expect(host.ran.filter((one) => one.startsWith('systemctl reload'))).toHaveLength(2)
    expect(host.ran.at(-1)).toBe('systemctl reload ssh')
  })
})

describe("the engine's defaults", () => {
  it('are added to those that a person set, which stay and are named', async () => {
    const host = machine()
    host.put('/etc/docker/daemon.json', '{"mtu": 1400, "log-driver": "json-file"}')
    const step = dockerStep(host)
    await apply(step, host)
    expect(JSON.parse(host.text('/etc/docker/daemon.json') ?? '')).toEqual({
      mtu: 1400,
      'log-driver': 'json-file',
      'live-restore': true,
      'no-new-privileges': true,
    })
    expect(await step.notes?.()).toEqual([
      expect.stringMatching(/log-driver is "json-file", "local" is safer; it stays/),
    ])
    expect(await apply(step, host)).toEqual([])
    expect(host.ran).toContain('systemctl restart docker')
    host.put('/etc/docker/daemon.json', '{"log-driver": "journald"}')
    expect(await step.notes?.()).toEqual([])
  })

  it('are taken by the engine also when a run was cut before it read them', async () => {
    const host = machine()
    for (let left = 1; host.text('/etc/docker/daemon.json') === null; left++) {
      host.writesLeft = left
      await expect(apply(dockerStep(host), host)).rejects.toThrow(PowerCut)
    }
    expect(host.ran).not.toContain('systemctl restart docker')
    host.writesLeft = Number.POSITIVE_INFINITY
    host.ran.length = 0
    await apply(dockerStep(host), host)
    expect(host.ran.filter((one) => one.startsWith('systemctl'))).toEqual(['systemctl restart docker'])
    host.ran.length = 0
    expect(await apply(dockerStep(host), host)).toEqual([])
    expect(host.ran.filter((one) => one.startsWith('systemctl'))).toEqual([])
  })

  it('leave out what an engine in a swarm would not start with, and say so', async () => {
    const host = machine((command) => (command.startsWith('docker info') ? 'active\n' : undefined))
    const step = dockerStep(host)
    await apply(step, host)
    expect(JSON.parse(host.text('/etc/docker/daemon.json') ?? '')).not.toHaveProperty('live-restore')
    expect(await step.notes?.()).toEqual([expect.stringMatching(/live-restore is left out: this engine is in a swarm/)])
    expect(await apply(step, host)).toEqual([])
  })

  it('do not stop what runs', async () => {
    const host = machine((command) => (command.startsWith('docker ps') ? 'c0ffee\n' : undefined))
    await apply(dockerStep(host), host)
    expect(host.ran).toContain('systemctl reload docker')
    expect(host.ran).not.toContain('systemctl restart docker')
  })

  it('are not written over a file that is damaged', async () => {
    const host = machine()
    host.put('/etc/docker/daemon.json', '{')
    expect(await judge(dockerStep(host), host)).toMatchObject({
      state: 'failed',
      details: [expect.stringMatching(/no JSON object/)],
    })
  })
})

describe('the kernel', () => {
  const set = (host: MemoryHost, name: string, value: string) => host.put(`/proc/sys/${name}`, value)

  it('gets what the databases ask for, keeps higher values, and gets back what it had', async () => {
    const host = machine()
    set(host, 'vm/swappiness', '60\n')
    set(host, 'vm/max_map_count', '1048576\n')
    set(host, 'vm/overcommit_memory', '0\n')
    expect(await apply(kernelStep(host), host)).toEqual([
      '/etc/sysctl.d/60-pacs.conf: made',
      'vm.swappiness: 1 instead of 60',
      'vm.overcommit_memory: 1 instead of 0',
    ])
    expect(host.ran).toContain('sysctl --quiet --write vm.swappiness=1 vm.overcommit_memory=1')
    expect((await host.read('/etc/sysctl.d/60-pacs.conf'))?.toString()).toContain('vm.max_map_count = 1048576\n')
    const record = await new SetupRecord(host).of('kernel')
    expect(record).toContainEqual(
      expect.objectContaining({ undo: ['sysctl', '--quiet', '--write', 'vm.swappiness=60', 'vm.overcommit_memory=0'] }),
    )
  })

  it('forwards nothing by itself: Docker, which sets that, drops what no rule lets through only where it was off', async () => {
    const host = machine()
    set(host, 'net/ipv4/ip_forward', '0\n')
    await apply(kernelStep(host), host)
    expect(host.text('/etc/sysctl.d/60-pacs.conf')).not.toContain('ip_forward')
    expect(host.ran.join('\n')).not.toContain('ip_forward')
  })

  it("is not a container's to change", async () => {
    const host = machine((command) => (command.startsWith('systemd-detect-virt') ? 'lxc\n' : undefined))
    for (const step of hardeningSteps(host, choices, 'root').filter(({ id }) =>
      ['kernel', 'hugepages', 'time', 'audit'].includes(id),
    ))
      expect(await judge(step, host)).toMatchObject({
        state: 'impossible',
        details: [expect.stringMatching(/a container \(lxc\)/)],
      })
  })

  it.each([
    [8, ['always > ', 'defer+madvise > ', '0 > ']],
    [7, ['never > ']],
  ])('has huge pages as MongoDB %s wants them', async (version, wanted) => {
    const host = machine()
    host.directories.set('/sys/kernel/mm/transparent_hugepage', { directory: true, mode: 0o755, uid: 0, gid: 0 })
    await apply(hugePagesStep(host, version), host)
    const unit = host.text('/etc/systemd/system/pacs-hugepages.service') ?? ''
    expect([...unit.matchAll(/echo (\S+ > )/g)].map(([, said]) => said)).toEqual(wanted)
  })

  it('has the huge pages of before again when it is undone', async () => {
    const host = machine()
    const folder = '/sys/kernel/mm/transparent_hugepage'
    host.directories.set(folder, { directory: true, mode: 0o755, uid: 0, gid: 0 })
    host.put(`${folder}/enabled`, 'always [madvise] never\n')
    host.put(`${folder}/khugepaged/max_ptes_none`, '511\n')
    await apply(hugePagesStep(host, 8), host)
    await undoStep(host, new SetupRecord(host), 'hugepages')
    expect(host.ran).toContain(
      `sh -c echo madvise > ${folder}/enabled && echo 511 > ${folder}/khugepaged/max_ptes_none`,
    )
  })
})

describe('undo', () => {
  it('is refused while the core runs, also without an app', async () => {
    let running = 'c0ffee\n'
    const host = machine((command) => (command.startsWith('docker ps') ? running : undefined))
    const nowhere = { state: '/nowhere/state.json' }
    await expect(refuseWhileServing(nowhere, host)).rejects.toThrow(/the core runs here.*stop it first/)
    running = ''
    await refuseWhileServing(nowhere, host)
  })
})

describe('the clock', () => {
  const clocks = (running: string) => (command: string) =>
    command.startsWith('systemctl is-active') && !command.endsWith(running) ? { code: 3 } : undefined

  it('that a person chose stays, and where there is none systemd has one', async () => {
    const chosen = machine(clocks('chrony.service'))
    expect(await judge(timeStep(chosen), chosen)).toMatchObject({ state: 'ok' })
    const none = machine(clocks('nothing'))
    expect(await apply(timeStep(none), none)).toContain('systemd-timesyncd.service: started')
    expect(none.ran).toContain('systemctl enable --quiet --now systemd-timesyncd.service')
  })

  it('that is not synchronised is told of', async () => {
    const host = machine((command) => (command.startsWith('timedatectl show') ? 'no\n' : undefined))
    expect(await timeStep(host).notes?.()).toEqual([expect.stringMatching(/^the clock is not synchronised/)])
  })
})

describe('what notices an attack', () => {
  it('records by auditd who changes configuration, keys, programs and accounts, and loads that at once', async () => {
    const host = machine()
    await apply(auditStep(host), host)
    const rules = (host.text('/etc/audit/rules.d/50-pacs.rules') ?? '').trim().split('\n').slice(1)
    for (const rule of rules) expect(rule).toMatch(/^-w \/[\w/.-]+ -p wa -k [\w-]+$/)
    const watched = rules.map((rule) => rule.split(' ')[1])
    for (const path of ['/opt/pacs/config', '/etc/pacs-agent', '/etc/ssh/sshd_config.d', '/etc/docker', '/etc/passwd'])
      expect(watched).toContain(path)
    expect(host.ran.filter((one) => one.startsWith('augenrules'))).toEqual(['augenrules --load'])
  })

  it('keeps addresses out of every port that sshd listens on, also where it is not 22', async () => {
    const host = machine((command) => (command.startsWith('sshd -T') ? 'port 2222\nport 22\n' : undefined))
    await apply(failedLoginsStep(host), host)
    expect(host.text('/etc/fail2ban/jail.d/pacs.conf')).toMatch(/^filter = pacs-sshd$[\s\S]*^port = 22,2222$/m)
    expect(host.text('/etc/fail2ban/filter.d/pacs-sshd.conf')).toMatch(/^before = sshd\.conf$/m)
    expect(host.ran).toContain('systemctl restart fail2ban')
  })
})

describe('security updates', () => {
  it('leave every package of the engine alone, also those with a dot', async () => {
    const host = machine()
    await apply(updatesStep(), host)
    const written = (await host.read('/etc/apt/apt.conf.d/52pacs-unattended-upgrades'))?.toString() ?? ''
    const patterns = [...written.matchAll(/^ {2}"(.+)";$/gm)].map(([, pattern = '']) => new RegExp(pattern))
    for (const name of ['docker.io', 'docker-ce', 'containerd', 'containerd.io', 'runc'])
      expect(
        patterns.filter((pattern) => pattern.test(name)),
        name,
      ).toHaveLength(1)
    expect(patterns.some((pattern) => pattern.test('dockerxio'))).toBe(false)
  })
})

describe('the ports of sshd', () => {
  it('are those of its configuration and those where it listens now', async () => {
    const listening = [
      'LISTEN 0 128 0.0.0.0:2222 0.0.0.0:* users:(("sshd",pid=7,fd=3))',
      'LISTEN 0 128 [::]:2222 [::]:* users:(("sshd",pid=7,fd=4))',
      'LISTEN 0 128 127.0.0.1:6010 0.0.0.0:* users:(("sshd",pid=9,fd=9))',
      'LISTEN 0 511 0.0.0.0:443 0.0.0.0:* users:(("docker-proxy",pid=5,fd=7))',
    ].join('\n')
    const host = machine((command) => (command === 'ss -Htlnp' ? listening : undefined))
    expect(await sshPorts(host)).toEqual([22, 2222])
  })
})
