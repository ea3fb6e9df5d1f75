// The health check of the stack by a timer, for Prometheus: the program and the list of what is checked are those of the release that serves.
import { join } from 'node:path'
import type { Layout } from '../layout.ts'

/** The authorities that this server trusts. */
const AUTHORITIES = '/etc/ssl/certs/ca-certificates.crt'
/** Where a release keeps the program: a stack of its own may have none. */
const PROGRAM = 'stack/monitoring/health-check.js'

/** A script that runs the check of what serves, by its own configuration; it is content, and tells a person, where nothing serves that has one. */
export function healthScript({ bin, state, releases, config, metrics }: Layout): string {
  const node = join(bin, 'node')
  return `#!/bin/sh
# Written by pacs-agent setup. The health check of the release that serves, for Prometheus.
set -eu
serving=$(${node} -p 'const { serving } = JSON.parse(fs.readFileSync("${state}")); serving ? serving.release + " " + serving.config : ""')
program="${releases}/\${serving% *}/${PROGRAM}"
config="${config}/\${serving#* }"
if [ -z "$serving" ] || [ ! -f "$program" ]; then
  [ -n "\${INVOCATION_ID:-}" ] || echo 'nothing serves that brought a health check'
  exit 0
fi
host=$(sed -n "s/^PACS_PUBLIC_HOST=['\\"]*\\([A-Za-z0-9.-]*\\).*/\\1/p" "$config/.env" | tail -n 1)
exec ${node} "$program" --url "https://$host/" --ca-file ${AUTHORITIES} --secrets "$config/secrets" \\
  --format prometheus --output ${join(metrics, 'health.prom')}
`
}

/** @param script what {@link healthScript} says, installed */
export function healthServiceFile(script: string, user: string, { state, metrics }: Layout): string {
  return `# Written by pacs-agent setup.
[Unit]
Description=Health of every PACS service, for Prometheus
ConditionPathExists=${state}

[Service]
Type=oneshot
User=${user}
SupplementaryGroups=docker
ExecStart=${script}
# Degraded and down are results, not failures of the check.
SuccessExitStatus=1 11
# Of 2,880 runs a day the journal keeps what changed, and failures; nothing of systemd's own four lines for each.
SyslogLevel=notice
LogLevelMax=notice
NoNewPrivileges=yes
ProtectSystem=strict
ReadWritePaths=${metrics}
`
}

/** Twice a minute, as the alert on its silence expects it. */
export function healthTimerFile(): string {
  return `# Written by pacs-agent setup; more seldom: systemctl edit, with an empty OnUnitActiveSec= before yours.
[Unit]
Description=Health of every PACS service, twice a minute

[Timer]
OnActiveSec=30s
OnUnitActiveSec=30s
AccuracySec=1s

[Install]
WantedBy=timers.target
`
}
