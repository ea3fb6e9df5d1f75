// What the server does every night by itself, without GitHub: a backup, and the proof that it restores.
import { join } from 'node:path'
import { COMMAND } from './files.ts'
import { type Changes, ensureFile, exists, ROOT, succeeds, system } from './system.ts'

const UNITS = '/etc/systemd/system'

interface Nightly {
  name: string
  description: string
  /** The verb of `pacs-agent`. */
  verb: string
  /** As OnCalendar= has it, in the server's time zone. */
  at: string
}

const NIGHTLY: readonly Nightly[] = [
  { name: 'pacs-backup', description: 'Nightly backup of the PACS', verb: 'backup', at: '*-*-* 01:30:00' },
  { name: 'pacs-verify', description: 'Nightly proof of restore of the PACS', verb: 'verify', at: '*-*-* 03:30:00' },
]

/**
 * Installs the timers, and enables those that were not there: one that a person disabled stays so, and is named.
 * @param releases the folder that is empty as long as there is nothing to back up
 */
export async function ensureTimers(changes: Changes, user: string, releases: string, print: (line: string) => void) {
  for (const nightly of NIGHTLY) {
    const timer = `${nightly.name}.timer`
    const isNew = !(await exists(join(UNITS, timer)))
    const files = { [`${nightly.name}.service`]: serviceFile(nightly, user, releases), [timer]: timerFile(nightly) }
    let changed = false
    for (const [name, content] of Object.entries(files)) {
      changed = (await ensureFile(changes, join(UNITS, name), content, 0o644, ROOT)) || changed
    }
    if (changed) await system('systemctl', 'daemon-reload')
    if (isNew) {
      await system('systemctl', 'enable', '--quiet', '--now', timer)
      changes.changed(`${timer}: enabled`)
    } else if (changed) await system('systemctl', 'try-restart', timer)
    if (!(await succeeds('systemctl', 'is-enabled', '--quiet', timer))) {
      print(`note: ${timer} is disabled: no ${nightly.verb} by itself (systemctl enable --now ${timer})`)
    }
  }
}

/** While another transaction holds the lock or the agent restarts it is asked again; what a person must mend is not repeated. */
function serviceFile({ description, verb, name }: Nightly, user: string, releases: string): string {
  return `# Written by pacs-agent setup.
[Unit]
Description=${description}
After=pacs-agent.service
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
RestartPreventExitStatus=10 11 21 40
NoNewPrivileges=yes
`
}

function timerFile({ description, at }: Nightly): string {
  return `# Written by pacs-agent setup; another time: systemctl edit, with an empty OnCalendar= before yours.
[Unit]
Description=${description}

[Timer]
OnCalendar=${at}
RandomizedDelaySec=15min
Persistent=yes

[Install]
WantedBy=timers.target
`
}
