// What notices an attack: who fails to log in, and who touches what must not change.
import type { Host } from '../host.ts'
import { afterwards, file, packages, runningUnit } from '../items.ts'
import { sshPorts } from '../sshd.ts'
import type { Step } from '../step.ts'
import { notOurKernel } from './kernel.ts'

// Debian's own filter counts no key that an account does not have, which is all that is left to try where sshd takes keys only.
const FILTER = `# Written by pacs-agent setup. As Debian's own, and counts a login of an account that there is, with a key that is not its.
[INCLUDES]
before = sshd.conf

[Definition]
failregex = ^<F-MLFFORGET>(?:Connection (?:closed|reset)|Disconnected)</F-MLFFORGET> (?:by|from) authenticating user <F-USER>\\S+</F-USER> <ADDR>%(__on_port_opt)s \\[preauth\\]\\s*$
            %(known/failregex)s
`

/** Addresses that fail to log in are kept out for a while. */
export function failedLoginsStep(host: Host): Step {
  return {
    id: 'fail2ban',
    title: 'addresses that fail to log in are kept out',
    items: async () => {
      const content = `# Written by pacs-agent setup.
[sshd]
enabled = true
filter = pacs-sshd
backend = systemd
# Not by the unit, as Debian has it: the journal does not know that of a process which has ended already.
journalmatch = _UID=0 SYSLOG_IDENTIFIER=sshd + _UID=0 SYSLOG_IDENTIFIER=sshd-session
port = ${(await sshPorts(host)).join(',')}
maxretry = 5
findtime = 10m
bantime = 1h
banaction = nftables-multiport
`
      return [
        packages('fail2ban', 'python3-systemd', 'nftables'),
        file('/etc/fail2ban/filter.d/pacs-sshd.conf', FILTER, 0o644),
        file('/etc/fail2ban/jail.d/pacs.conf', content, 0o644),
        afterwards('fail2ban: read its rules', async (changer) => {
          await changer.run(['systemctl', 'restart', 'fail2ban'], null)
        }),
        runningUnit('fail2ban.service'),
      ]
    },
  }
}

const WATCHED: readonly [string, string][] = [
  ['/opt/pacs/config', 'pacs-config'],
  ['/opt/pacs/bin', 'pacs-program'],
  ['/etc/pacs-agent', 'pacs-keys'],
  ['/usr/local/bin/pacs-agent', 'pacs-program'],
  ['/etc/systemd/system', 'units'],
  ['/etc/ssh/sshd_config', 'sshd'],
  ['/etc/ssh/sshd_config.d', 'sshd'],
  ['/etc/docker', 'docker'],
  ['/etc/sudoers', 'sudo'],
  ['/etc/sudoers.d', 'sudo'],
  ['/etc/passwd', 'accounts'],
  ['/etc/group', 'accounts'],
]

/** The kernel's own record of who changed what. */
export function auditStep(host: Host): Step {
  const rules = WATCHED.map(([path, key]) => `-w ${path} -p wa -k ${key}`)
  const content = ['# Written by pacs-agent setup.', ...rules, ''].join('\n')
  const load = ['augenrules', '--load'] as const
  return {
    id: 'audit',
    title: 'a record of who changes configuration',
    impossible: () => notOurKernel(host),
    items: () => [
      packages('auditd'),
      file('/etc/audit/rules.d/50-pacs.rules', content, 0o640, undefined, load),
      afterwards('auditd: read its rules', async (changer) => void (await changer.run(load, null))),
      runningUnit('auditd.service'),
    ],
  }
}
