// What the server does by itself, without GitHub: every night a backup and the proof that it restores, twice a minute its health.
import { join } from 'node:path'
import { exitClass } from '../../lib/index.ts'
import type { Layout } from '../layout.ts'
import { COMMAND } from './files.ts'
import { healthScript, healthServiceFile, healthTimerFile } from './health-timer.ts'
import { type Host, ROOT, succeeds } from './host.ts'
import { afterwards, file, type Item } from './items.ts'
import type { SetupRecord } from './record.ts'
import type { Step } from './step.ts'

const UNITS = '/etc/systemd/system'
const DAEMON_RELOAD = ['systemctl', 'daemon-reload'] as const

interface Timed {
  /** Of the units. */
  name: string
  /** What is missing where somebody disabled it. */
  what: string
  service: string
  timer: string
}

interface Nightly {
  name: string
  description: string
  /** The verb of `pacs-agent`. */
  verb: string
  /** As OnCalendar= has it, in the server's time zone. */
  at: string
  /** Whether one that was missed, as on a server that was off, is made up for. */
  persistent: boolean
  /** The units for whose start it waits, which a oneshot's ends with its work. */
  after: readonly string[]
  /** Exit codes (`exitClass`) after which it is not asked again that night: a person must mend what they tell. */
  final: readonly number[]
}

const { refused, unhealthy, failed, 'bad-input': badInput } = exitClass

/**
 * From 04:00 until 22:00 no clock of the world is put forward or back: what is set for an hour that one night leaves out (01:30 in Great Britain,
 * 03:30 in Greece) does not happen in it.
 */
const NIGHTLY: readonly Nightly[] = [
  {
    name: 'pacs-backup',
    description: 'Nightly backup of the PACS',
    verb: 'backup',
    at: '*-*-* 04:00:00',
    persistent: true,
    after: ['pacs-agent.service'],
    // Refused is asked again: a backup that made way for a rollback, or whose database was away.
    final: [unhealthy, failed, badInput],
  },
  {
    name: 'pacs-verify',
    description: 'Nightly proof of restore of the PACS',
    verb: 'verify',
    at: '*-*-* 06:00:00',
    // Made up for beside a backup that was missed, too, it may begin first, and find the backup of the night before too old.
    persistent: false,
    // Else it proves the backup of the night before, which is too old or not by the chance of the two delays.
    after: ['pacs-agent.service', 'pacs-backup.service'],
    final: [refused, unhealthy, failed, badInput],
  },
]

/** Installs the timers, and enables each once: one that a person disabled stays so, and is named. */
export function timersStep(host: Host, record: SetupRecord, user: string, paths: Layout): Step {
  const check = join(paths.bin, 'health-check')
  const timed: readonly Timed[] = [
    ...NIGHTLY.map((nightly) => ({
      name: nightly.name,
      what: nightly.verb,
      service: serviceFile(nightly, user, paths.releases),
      timer: timerFile(nightly),
    })),
    { name: 'pacs-health', what: 'check', service: healthServiceFile(check, user, paths), timer: healthTimerFile() },
  ]
  const units = timed.flatMap(({ name, service, timer }) => [
    file(join(UNITS, `${name}.service`), service, 0o644, ROOT, DAEMON_RELOAD),
    file(join(UNITS, `${name}.timer`), timer, 0o644, ROOT, DAEMON_RELOAD),
  ])
  const reload = afterwards('timers: read by systemd', async (changer) => {
    await changer.run(DAEMON_RELOAD, null)
    for (const { name } of timed) await changer.run(['systemctl', 'try-restart', `${name}.timer`], null)
  })
  return {
    id: 'timers',
    title: 'nightly backup and proof of restore, health twice a minute',
    items: () => [
      file(check, healthScript(paths), 0o755),
      ...units,
      reload,
      ...timed.map(({ name }) => enabledOnce(record, `${name}.timer`)),
    ],
    notes: async () => {
      const notes: string[] = []
      for (const { name, what } of timed) {
        const timer = `${name}.timer`
        if (!(await isEnabled(host, timer)))
          notes.push(`${timer} is disabled: no ${what} by itself (systemctl enable --now ${timer})`)
      }
      return notes
    },
  }
}

function enabledOnce(record: SetupRecord, timer: string): Item {
  const enable = ['systemctl', 'enable', '--quiet', '--now', timer] as const
  // In the record once the timer was enabled: what stands there of `enable` may have been cut.
  const proof = ['systemctl', 'is-enabled', '--quiet', timer] as const
  return {
    async differences(host) {
      const before = (await record.of('timers')).some((entry) => entry.did === 'run' && entry.what === proof.join(' '))
      return before || (await isEnabled(host, timer)) ? [] : [`${timer}: enabled`]
    },
    async make(changer) {
      await changer.run(enable, ['systemctl', 'disable', '--quiet', '--now', timer])
      await changer.run(proof, null)
    },
  }
}

function isEnabled(host: Host, unit: string): Promise<boolean> {
  return succeeds(host, 'systemctl', 'is-enabled', '--quiet', unit)
}

/** While another transaction holds the lock or the agent restarts it is asked again; what a person must mend is not repeated. */
function serviceFile({ description, verb, name, after, final }: Nightly, user: string, releases: string): string {
  return `# Written by pacs-agent setup.
[Unit]
Description=${description}
After=${after.join(' ')}
ConditionDirectoryNotEmpty=${releases}
StartLimitIntervalSec=6h
StartLimitBurst=6

[Service]
Type=oneshot
User=${user}
# Whom the audit names.
Environment=USER=${name}.timer
ExecStart=${COMMAND} ${verb}
Restart=on-failure
RestartSec=10min
RestartPreventExitStatus=${final.join(' ')}
NoNewPrivileges=yes
`
}

function timerFile({ description, at, persistent }: Nightly): string {
  return `# Written by pacs-agent setup; another time: systemctl edit, with an empty OnCalendar= before yours.
[Unit]
Description=${description}

[Timer]
OnCalendar=${at}
RandomizedDelaySec=15min
Persistent=${persistent ? 'yes' : 'no'}

[Install]
WantedBy=timers.target
`
}
