// What keeps a machine in order by itself: its clock, its updates, its logs.
import { containerKind, type Host, outputOf, succeeds } from '../host.ts'
import { afterwards, file, packages, runningUnit } from '../items.ts'
import type { Step } from '../step.ts'

const CLOCKS = ['chrony.service', 'ntpsec.service', 'ntp.service', 'openntpd.service']
const TIMESYNCD = 'systemd-timesyncd.service'

/** A clock that is right: the times of audit and signatures. One that a person chose stays. */
export function timeStep(host: Host): Step {
  return {
    id: 'time',
    title: 'a clock that is synchronised',
    impossible: async () => {
      const kind = await containerKind(host)
      return kind === null ? null : `this is a container (${kind}), its clock is that of its host`
    },
    items: async () => {
      for (const clock of CLOCKS) if (await succeeds(host, 'systemctl', 'is-active', '--quiet', clock)) return []
      return [packages('systemd-timesyncd'), runningUnit(TIMESYNCD)]
    },
    notes: async () => {
      const said = await outputOf(host, 'timedatectl', 'show', '--property=NTPSynchronized', '--value')
      return said?.trim() === 'no' ? ['the clock is not synchronised (yet): timedatectl timesync-status'] : []
    },
  }
}

/** The engine's packages: a new one restarts it, and that is a person's decision. */
const HELD = [
  'docker.io',
  'docker-ce',
  'docker-ce-cli',
  'docker-compose',
  'docker-compose-plugin',
  'docker-cli',
  'containerd',
  'containerd.io',
  'runc',
]

/** Security updates by themselves; never of the engine, and never with a restart of the machine. */
export function updatesStep(): Step {
  // Each is a regular expression of Python.
  const lines = HELD.map((name) => `  "^${name.replaceAll('.', '[.]')}$";`)
  const content = `// Written by pacs-agent setup.
APT::Periodic::Update-Package-Lists "1";
APT::Periodic::Unattended-Upgrade "1";
Unattended-Upgrade::Package-Blacklist {
${lines.join('\n')}
};
Unattended-Upgrade::Automatic-Reboot "false";
`
  return {
    id: 'updates',
    title: 'security updates, Docker held',
    items: () => [
      packages('unattended-upgrades'),
      file('/etc/apt/apt.conf.d/52pacs-unattended-upgrades', content, 0o644),
      runningUnit('apt-daily.timer'),
      runningUnit('apt-daily-upgrade.timer'),
    ],
  }
}

// To journald all containers are one service, the engine: a limit on its rate would drop lines of any of them. Their size bounds them.
// Not by a drop-in of docker.service: systemd takes a limit of 0 there for none set, and another one only when the engine starts anew.
const JOURNAL = `# Written by pacs-agent setup. It holds the logs of the stack's services too: no line is dropped for its rate.
[Journal]
Storage=persistent
SystemMaxUse=4G
SystemKeepFree=2G
RateLimitIntervalSec=0
`

// The audit of the agent is no log: it is never rotated.
const ROTATION = `# Written by pacs-agent setup.
/opt/pacs/logs/*.log {
    su pacs pacs
    weekly
    rotate 12
    compress
    delaycompress
    missingok
    notifempty
    copytruncate
}
`

/** Logs that cannot fill the disk, which would stop the database. */
export function logsStep(): Step {
  return {
    id: 'logs',
    title: 'logs that cannot fill the disk',
    items: () => [
      file('/etc/systemd/journald.conf.d/50-pacs.conf', JOURNAL, 0o644, undefined, [
        'systemctl',
        'restart',
        'systemd-journald',
      ]),
      afterwards('systemd-journald: restarted', async (changer) => {
        await changer.run(['systemctl', 'restart', 'systemd-journald'], null)
      }),
      packages('logrotate'),
      file('/etc/logrotate.d/pacs', ROTATION, 0o644),
    ],
  }
}
