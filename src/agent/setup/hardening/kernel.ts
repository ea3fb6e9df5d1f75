// Settings of the kernel that the databases ask for, and that keep an attacker from a few easy ways.
import { join } from 'node:path'
import { containerKind, type Host, ROOT } from '../host.ts'
import { afterwards, file, type Item, runningUnit } from '../items.ts'
import type { Step } from '../step.ts'

const FILE = '/etc/sysctl.d/60-pacs.conf'

/**
 * Wanted values; `least`: a higher one that is there stays. Forwarding is not among them: Docker turns it on, and then, only where
 * it finds it off, drops what none of its rules forwards (`iptables -P FORWARD DROP`).
 */
const SETTINGS: readonly { name: string; value: number; least?: true }[] = [
  { name: 'vm.max_map_count', value: 262144, least: true }, // MongoDB
  { name: 'vm.swappiness', value: 1 }, // MongoDB
  { name: 'vm.overcommit_memory', value: 1 }, // Redis
  { name: 'net.core.somaxconn', value: 4096, least: true }, // Redis
  { name: 'fs.suid_dumpable', value: 0 },
  { name: 'kernel.dmesg_restrict', value: 1 },
  { name: 'kernel.kptr_restrict', value: 1, least: true },
  { name: 'net.ipv4.conf.all.accept_redirects', value: 0 },
  { name: 'net.ipv6.conf.all.accept_redirects', value: 0 },
  { name: 'net.ipv4.conf.all.send_redirects', value: 0 },
  { name: 'net.ipv4.tcp_syncookies', value: 1 },
]

/** Why the kernel is not this machine's own, or null. */
export async function notOurKernel(host: Host): Promise<string | null> {
  const kind = await containerKind(host)
  return kind === null ? null : `this is a container (${kind}), its kernel belongs to its host`
}

/** The kernel's settings, now and at every start. */
export function kernelStep(host: Host): Step {
  return {
    id: 'kernel',
    title: 'settings of the kernel',
    impossible: () => notOurKernel(host),
    items: async () => [file(FILE, await sysctlFile(host), 0o644), inForce],
  }
}

/** What a start sets: nothing lower than what is in force where a higher value is as good. */
async function sysctlFile(host: Host): Promise<string> {
  const lines = await Promise.all(
    SETTINGS.map(async ({ name, value, least }) => {
      const is = least ? Number((await inKernel(host, name)) ?? value) : value
      return `${name} = ${Math.max(is, value)}`
    }),
  )
  return ['# Written by pacs-agent setup.', ...lines, ''].join('\n')
}

const inForce: Item = {
  async differences(host) {
    const found = await deviations(host)
    return found.map(({ name, is, value }) => `${name}: ${value} instead of ${is}`)
  },
  async make(changer) {
    const found = await deviations(changer.host)
    await changer.atUndo(['sysctl', '--quiet', '--write', ...found.map(({ name, is }) => `${name}=${is}`)])
    await changer.run(['sysctl', '--quiet', '--write', ...found.map(({ name, value }) => `${name}=${value}`)], null)
  },
}

async function deviations(host: Host) {
  const found = []
  for (const { name, value, least } of SETTINGS) {
    const is = await inKernel(host, name)
    // A kernel without IPv6, say.
    if (is === undefined) continue
    if (least ? Number(is) < value : Number(is) !== value) found.push({ name, value, is })
  }
  return found
}

async function inKernel(host: Host, name: string): Promise<string | undefined> {
  return (await host.read(join('/proc/sys', name.replaceAll('.', '/'))))?.toString().trim()
}

const HUGE_PAGES = '/sys/kernel/mm/transparent_hugepage'
const HUGE_PAGES_UNIT = 'pacs-hugepages.service'

/** Huge pages as MongoDB's version wants them: from 8.0 on always, before that never. */
export function hugePagesStep(host: Host, mongodb: number): Step {
  const settings =
    mongodb >= 8
      ? { enabled: 'always', defrag: 'defer+madvise', 'khugepaged/max_ptes_none': '0' }
      : { enabled: 'never' }
  const path = `/etc/systemd/system/${HUGE_PAGES_UNIT}`
  return {
    id: 'hugepages',
    title: `huge pages for MongoDB ${mongodb.toFixed(1)}`,
    impossible: async () =>
      (await notOurKernel(host)) ??
      ((await host.status(HUGE_PAGES)) === null ? 'this kernel has no transparent huge pages' : null),
    items: () => [
      file(path, hugePagesUnit(settings), 0o644, ROOT, ['systemctl', 'daemon-reload']),
      afterwards(`${HUGE_PAGES_UNIT}: read by systemd`, async (changer) => {
        await changer.run(['systemctl', 'daemon-reload'], null)
        const before = await Promise.all(
          Object.keys(settings).map(async (name) => [name, await hugePagesAre(host, name)] as const),
        )
        const known = before.flatMap(([name, value]) => (value === undefined ? [] : [setHugePages(name, value)]))
        if (known.length > 0) await changer.atUndo(['sh', '-c', known.join(' && ')])
        await changer.run(['systemctl', 'restart', HUGE_PAGES_UNIT], null)
      }),
      runningUnit(HUGE_PAGES_UNIT),
    ],
  }
}

function setHugePages(name: string, value: string): string {
  return `echo ${value} > ${HUGE_PAGES}/${name}`
}

/** What the kernel has now: the word in brackets where it lists all, else all. */
async function hugePagesAre(host: Host, name: string): Promise<string | undefined> {
  const said = (await host.read(join(HUGE_PAGES, name)))?.toString().trim()
  return /^[a-z+0-9]+$/.exec(/\[(\S+)\]/.exec(said ?? '')?.[1] ?? said ?? '')?.[0]
}

function hugePagesUnit(settings: Readonly<Record<string, string>>): string {
  const lines = Object.entries(settings).map(([name, value]) => `ExecStart=/bin/sh -c '${setHugePages(name, value)}'`)
  return `# Written by pacs-agent setup.
[Unit]
Description=Huge pages as MongoDB wants them
DefaultDependencies=no
After=sysinit.target local-fs.target
Before=docker.service

[Service]
Type=oneshot
RemainAfterExit=yes
${lines.join('\n')}

[Install]
WantedBy=basic.target
`
}
