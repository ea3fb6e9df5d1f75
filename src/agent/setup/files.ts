/** Where the public keys lie: root's own, so that nothing that runs as pacs can add one. */
export const AUTHORIZED_KEYS = '/etc/pacs-agent/authorized_keys'
export const UNIT = '/etc/systemd/system/pacs-agent.service'
export const SSHD_DROP_IN = '/etc/ssh/sshd_config.d/50-pacs-agent.conf'
export const COMMAND = '/usr/local/bin/pacs-agent'

/** The program on the command line: the agent that was ready last, so that it works while a broken new one is tried. */
export function commandScript(bin: string): string {
  return `#!/bin/sh\n# Written by pacs-agent setup.\nexec ${bin}/node ${bin}/current/index.js "$@"\n`
}

/** The unit. A dead agent's children die with it; a start never gives up; a new agent that hangs is ended and judged. */
export function unitFile(bin: string, user: string): string {
  return `# Written by pacs-agent setup.
[Unit]
Description=PACS deployment agent
Documentation=https://github.com/org/pacs-deploy
After=docker.service network.target
StartLimitIntervalSec=0

[Service]
User=${user}
SupplementaryGroups=docker
RuntimeDirectory=pacs
RuntimeDirectoryMode=0750
RuntimeDirectoryPreserve=yes
UMask=0007
Environment=PATH=/usr/local/bin:/usr/bin:/bin
ExecStart=${bin}/node --disable-warning=ExperimentalWarning ${bin}/launch.js launch
ExecStartPost=${bin}/node ${bin}/launch.js wait-until-ready
Restart=always
RestartSec=200ms
KillMode=control-group
OOMScoreAdjust=-500

[Install]
WantedBy=multi-user.target
`
}

/** What sshd lets the user do: nothing but the one command and the one forward. A runner that lost power is gone after 15 s. */
export function sshdDropIn(user: string): string {
  return `# Written by pacs-agent setup.
Match User ${user}
    AuthorizedKeysFile ${AUTHORIZED_KEYS}
    AuthenticationMethods publickey
    AllowTcpForwarding local
    PermitOpen 127.0.0.1:27017
    PermitListen none
    AllowStreamLocalForwarding no
    AllowAgentForwarding no
    PermitTunnel no
    PermitTTY no
    PermitUserRC no
    X11Forwarding no
    ClientAliveInterval 5
    ClientAliveCountMax 3
Match all
`
}
