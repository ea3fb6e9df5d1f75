// A table of nftables of our own. It only ever refuses, and what one table refuses no other lets in: so it holds beside Docker's
// rules, whichever backend these use, and for published ports, which Docker leads past the input chain.
import { BlockList, isIP } from 'node:net'
import { badInput } from '../../../lib/index.ts'
import type { OpenPort } from '../choices.ts'
import { type Host, outputOf, ROOT, succeeds, system } from '../host.ts'
import { directory, file, type Item, packages, runningUnit } from '../items.ts'
import { sshPorts } from '../sshd.ts'
import type { Step } from '../step.ts'

export const RULES = '/etc/pacs-agent/firewall.nft'
const UNIT = 'pacs-firewall.service'
const ENTRY: readonly OpenPort[] = [
  { port: 80, sources: [] },
  { port: 443, sources: [] },
]

/** The firewall: the ports of `open`, to their sources only; 80 and 443 when none is given; sshd's own always. */
export function firewallStep(host: Host, open: readonly OpenPort[]): Step {
  const ports = open.length === 0 ? ENTRY : open
  return {
    id: 'firewall',
    title: 'firewall, for published ports too',
    takenBack: true,
    items: async () => {
      const ssh = await sshPorts(host)
      await refuseLockOut(host, ssh, ports)
      return [
        packages('nftables'),
        directory('/etc/pacs-agent', 0o755, ROOT),
        file(RULES, renderRules(ports, ssh), 0o600, ROOT, reloadIfThere),
        file(`/etc/systemd/system/${UNIT}`, unitFile, 0o644, ROOT, ['systemctl', 'daemon-reload']),
        loaded,
        runningUnit(UNIT),
      ]
    },
    notes: async () =>
      ports.some(({ port }) => port === 4242 || port === 11112)
        ? []
        : [
            'the firewall admits no modality: --open 4242=10.20.0.0/16 names those that may send (with --open 80 --open 443)',
          ],
  }
}

/** Rules of an earlier run that come back are in force at once, without a moment in which none are. */
const reloadIfThere = ['sh', '-c', `test ! -e ${RULES} || systemctl reload-or-restart ${UNIT}`]
const stopIfNew = ['sh', '-c', `systemctl is-enabled --quiet ${UNIT} || systemctl stop ${UNIT}`]

const loaded: Item = {
  differences: async (host, dirty) =>
    dirty || !(await succeeds(host, 'nft', 'list', 'table', 'inet', 'pacs')) ? ['firewall: rules in force'] : [],
  async make(changer) {
    await system(changer.host, 'nft', '--check', '--file', RULES)
    await changer.run(['systemctl', 'daemon-reload'], null)
    // In one step of nftables: a restart would leave the machine open between its two halves.
    await changer.run(['systemctl', 'reload-or-restart', UNIT], stopIfNew)
  },
}

/** The rules. @param ssh ports of sshd: open to all unless `open` names sources */
export function renderRules(open: readonly OpenPort[], ssh: readonly number[]): string {
  const named = new Set(open.map(({ port }) => port))
  const own = ssh.filter((port) => !named.has(port)).map((port) => ({ port, sources: [] }))
  const host = [...own, ...open].flatMap((one) => admissions(one, 'tcp dport'))
  // The engine changes the destination before this chain sees a packet: what counts is the port that was asked for.
  const published = open.flatMap((one) => admissions(one, 'meta l4proto tcp ct original proto-dst'))
  return `#!/usr/sbin/nft -f
# Written by pacs-agent setup; other ports: setup-production.sh --open.
table inet pacs
delete table inet pacs
table inet pacs {
  chain machine {
    type filter hook input priority filter - 5; policy drop;
    iif lo accept
    ct state established,related accept
    ct state invalid drop
    meta l4proto { icmp, ipv6-icmp } accept
    udp sport 67 udp dport 68 accept
    ip6 saddr fe80::/10 udp dport 546 accept
    iifname "docker0" meta l4proto { tcp, udp } th dport 53 accept
    iifname "br-*" meta l4proto { tcp, udp } th dport 53 accept
${lines(host)}
  }
  chain containers {
    type filter hook forward priority filter - 5; policy accept;
    ct state established,related accept
    ct status dnat ct direction original goto published
    iifname "docker0" accept
    iifname "br-*" accept
    oifname "docker0" drop
    oifname "br-*" drop
  }
  chain published {
${lines(published)}
    drop
  }
}
`
}

function lines(rules: readonly string[]): string {
  return rules.map((rule) => `    ${rule}`).join('\n')
}

function admissions({ port, sources }: OpenPort, match: string): string[] {
  if (sources.length === 0) return [`${match} ${port} accept`]
  return (['ip', 'ip6'] as const).flatMap((family) => {
    const own = sources.filter((source) => familyOf(source) === (family === 'ip' ? 4 : 6))
    return own.length === 0 ? [] : [`${family} saddr { ${own.join(', ')} } ${match} ${port} accept`]
  })
}

function familyOf(source: string): number {
  return isIP(source.split('/')[0] ?? '')
}

/** @throws Failure `bad-input` when a session of SSH that is open now would not be let in again. */
async function refuseLockOut(host: Host, ssh: readonly number[], open: readonly OpenPort[]): Promise<void> {
  for (const { port, sources } of open) {
    if (sources.length === 0 || !ssh.includes(port)) continue
    const said = (await outputOf(host, 'ss', '-Htn', 'state', 'established', 'sport', '=', `:${port}`)) ?? ''
    for (const peer of peersOf(said)) {
      if (!isWithin(peer, sources))
        throw badInput(
          `--open ${port}=${sources.join(',')}: ${peer} is logged in over SSH now and would be locked out; add it`,
        )
    }
  }
}

/** The peers of `ss -Htn`: the last column, without port, brackets and mapped prefix. */
function peersOf(said: string): string[] {
  const peers = said
    .split('\n')
    .flatMap((line) => /\[?((?:::ffff:)?[0-9a-fA-F.:]+?)\]?(?:%\w+)?:\d+\s*$/.exec(line.trim())?.[1] ?? [])
  return peers
    .map((peer) => peer.replace(/^::ffff:(?=\d+\.)/, ''))
    .filter((peer) => !peer.startsWith('127.') && peer !== '::1')
}

function isWithin(address: string, sources: readonly string[]): boolean {
  const list = new BlockList()
  const family = (text: string) => (isIP(text) === 6 ? 'ipv6' : 'ipv4')
  for (const source of sources) {
    const [net = '', bits] = source.split('/')
    if (bits === undefined) list.addAddress(net, family(net))
    else list.addSubnet(net, Number(bits), family(net))
  }
  return list.check(address, family(address))
}

// With nftables.service, which flushes all tables, ours comes back: PartOf passes on a restart of it, but no reload.
const unitFile = `# Written by pacs-agent setup.
[Unit]
Description=Firewall of the PACS
DefaultDependencies=no
Wants=network-pre.target
Before=network-pre.target shutdown.target
After=nftables.service
PartOf=nftables.service
ReloadPropagatedFrom=nftables.service
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft --file ${RULES}
ExecReload=/usr/sbin/nft --file ${RULES}
ExecStop=/usr/sbin/nft delete table inet pacs

[Install]
WantedBy=sysinit.target
`
