import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import {
  type Alert,
  alertsOf,
  CATEGORIES,
  type Cases,
  MONITORING,
  readCases,
  readRules,
} from '../../monitoring/rules.ts'

/** Programs of a server of this stack, and of the containers that the commands enter. */
const PROGRAMS =
  /^([A-Z]+=\$\()?(curl|df|dmesg|docker|du|free|journalctl|ls|openssl|pacs-agent|sed|ss|systemctl|timedatectl|uptime)( |$)/
const AGENT_VERBS = ['backup', 'backups', 'logs', 'rollback', 'status', 'verify']

const composeSchema = z.object({
  services: z.record(
    z.string(),
    z.object({ deploy: z.object({ update_config: z.object({ order: z.string() }).optional() }).optional() }),
  ),
})

const limits = z.object({ limits: z.object({ memory: z.string(), pids: z.number() }) })
const limited = z.object({ deploy: z.object({ resources: limits }) })
const limitsSchema = z.object({
  services: z.object({ backend: limited, mongodb: limited, postgres: z.object({ command: z.array(z.string()) }) }),
})

let alerts: Alert[]
let cases: Cases

beforeAll(async () => {
  alerts = alertsOf(await readRules())
  cases = await readCases()
})

test('every alert has a name of its own, a case in which it fires and one in which it is silent', () => {
  expect(alerts.length).toBeGreaterThanOrEqual(40)
  const names = alerts.map(({ alert }) => alert)
  expect(new Set(names).size).toBe(names.length)
  expect(Object.keys(cases).sort()).toEqual([...names].sort())
  const withoutSilence = Object.entries(cases).filter(([, { silent }]) => silent.length === 0)
  expect(withoutSilence.map(([name]) => name)).toEqual(['Watchdog'])
})

test('an alert with more than one cause has a case for each', () => {
  const branched = alerts.filter(({ expr }) => / or /.test(expr.replaceAll(/\s+/g, ' ')))
  expect(branched.length).toBeGreaterThan(10)
  for (const { alert, expr } of alerts) {
    expect(cases[alert]?.fires.length, alert).toBe(expr.split(/\sor\s/).length)
  }
})

test('a limit of a service that a rule repeats is the one that the stack gives it', async () => {
  const { backend, mongodb, postgres } = limitsSchema.parse(await readStack()).services
  const [, admits = ''] = / max_connections=(\d+)/.exec(postgres.command.join(' ')) ?? []
  const { memory } = backend.deploy.resources.limits
  const { pids } = mongodb.deploy.resources.limits
  const rules = Object.fromEntries(alerts.map(({ alert, expr, annotations }) => [alert, [expr, annotations.summary]]))
  const mebibytes = memory.replace(/M$/, '')
  expect(rules).toMatchObject({
    ApiMemoryHigh: [
      expect.stringContaining(` * ${mebibytes} * 1024 * 1024`),
      expect.stringMatching(` ${mebibytes} MiB$`),
    ],
    MongoConnectionsHigh: [expect.stringMatching(` \\* ${pids}$`), expect.stringMatching(` ${pids}$`)],
    PostgresConnectionsHigh: [
      expect.stringMatching(` > ${0.9 * Number(admits)}$`),
      expect.stringMatching(` ${admits}$`),
    ],
  })
})

test('each kind of trouble has its alerts, and only the watchdog has no severity', () => {
  const byCategory = Map.groupBy(alerts, ({ labels }) => labels.category)
  const few = new Set<string>(['compliance', 'backup', 'meta'])
  for (const category of CATEGORIES)
    expect(byCategory.get(category)?.length, category).toBeGreaterThanOrEqual(few.has(category) ? 2 : 3)
  expect(alerts.filter(({ labels }) => labels.severity === 'none').map(({ alert }) => alert)).toEqual(['Watchdog'])
})

test('a disk below the folders of Docker is told as not watched, and no mount of a container is', async () => {
  const command = z.object({ services: z.object({ 'node-exporter': z.object({ command: z.array(z.string()) }) }) })
  const { services } = command.parse(await readStack())
  const [, excluded = ''] = /mount-points-exclude=(\S+)/.exec(services['node-exporter'].command.join(' ')) ?? []
  const seen = [
    ...['/', '/boot/efi', '/opt/pacs', '/opt/pacs/backups', '/var/lib/docker', '/var/lib/docker/volumes'],
    '/var/lib/docker/volumes/pacs_orthanc/_data',
  ]
  const ofContainers = [
    ...['/run/docker/netns/1', '/dev/shm', '/var/lib/docker/overlay2/1/merged', '/var/lib/docker/rootfs/overlayfs/1'],
    ...['/var/lib/docker/containers/1/mounts/shm', '/var/lib/docker/btrfs', '/var/lib/docker/zfs/graph/1'],
    '/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/1/fs',
  ]
  // As Compose reads it.
  const pattern = new RegExp(excluded.replaceAll('$$', () => '$'))
  expect([...seen, ...ofContainers].filter((path) => !pattern.test(path))).toEqual(seen)
})

describe('the runbooks', () => {
  test('are one for each alert, which names it, and no other', async () => {
    for (const { alert, annotations } of alerts) {
      expect(annotations.runbook_url).toBe(`monitoring/runbooks/${alert}.md`)
    }
    const files = await readdir(join(MONITORING, 'runbooks'))
    expect(files.sort()).toEqual(alerts.map(({ alert }) => `${alert}.md`).sort())
  })

  test('say what it means, what it costs, how to find out and what to do, with the rule as it is', async () => {
    for (const { alert, expr, for: holds, labels } of alerts) {
      const text = await runbook(alert)
      const sections = [...text.matchAll(/^## (.+)$/gm)].map(([, title]) => title)
      expect(sections, alert).toEqual(['Meaning', 'Impact', 'Diagnosis', 'Mitigation'])
      // Without a reason it is refused, and nobody wants to learn that at night.
      expect(text, alert).not.toContain('`pacs-agent rollback`')
      for (const part of text.split(/^## .+$/m).slice(1)) expect(part.trim().length, alert).toBeGreaterThan(20)
      const [, shown = ''] = /```promql\n([\s\S]*?)\n```/.exec(text) ?? []
      expect(shown.replaceAll(/\s+/g, ' '), `${alert}: the rule in its runbook`).toBe(
        expr.trim().replaceAll(/\s+/g, ' '),
      )
      const when = holds === undefined ? 'holds:' : `holds for ${holds}:`
      expect(text, alert).toContain(
        `Severity ${labels.severity}, category ${labels.category}. It fires when this ${when}\n`,
      )
    }
  })

  test('use programs that a server has, services of the stack and verbs of the agent', async () => {
    const stack = composeSchema.parse(await readStack())
    const services = Object.keys(stack.services)
    // The agent names them by their instance; and there may be two of one.
    const perInstance = services.filter((name) => stack.services[name]?.deploy?.update_config?.order === 'start-first')
    expect(perInstance).toEqual(['frontend', 'backend'])
    for (const { alert } of alerts) {
      const [, block = ''] = /```sh\n([\s\S]*?)\n```/.exec(await runbook(alert)) ?? []
      const commands = block.split('\n').filter((line) => line !== '')
      expect(commands.length, alert).toBeGreaterThan(0)
      for (const command of commands) {
        expect(command, `${alert}: of one container, and of none that ended; the journal has all`).not.toMatch(
          /docker logs/,
        )
        expect(command, alert).toMatch(PROGRAMS)
        const verb = /^pacs-agent (.+)/.exec(command)?.[1]
        if (verb !== undefined) expect(AGENT_VERBS, `${alert}: ${command}`).toContain(verb)
        for (const [, service = ''] of command.matchAll(/(?:compose\.service=|filter name=|journalctl -t )([\w-]+)/g)) {
          expect(services, `${alert}: ${command}`).toContain(service)
        }
        for (const [, service = ''] of command.matchAll(/compose\.service=([\w-]+)/g)) {
          expect(perInstance, `${alert}: ${command} finds nothing beside an agent`).not.toContain(service)
        }
      }
    }
  })
})

function runbook(alert: string): Promise<string> {
  return readFile(join(MONITORING, 'runbooks', `${alert}.md`), 'utf8')
}

async function readStack(): Promise<unknown> {
  return parse(await readFile(join(MONITORING, '../docker-compose.prod.yml'), 'utf8'), { merge: true })
}
