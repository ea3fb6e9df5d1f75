// What is shipped for Prometheus and Alertmanager, judged by their own programs.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { z } from 'zod'
import { waitFor } from '../lab/index.ts'
import { questionsOf, readDashboards } from '../monitoring/dashboards.ts'
import { alertsOf, MONITORING, promtoolFiles, readCases, readRules } from '../monitoring/rules.ts'
import { MonitoringTools } from '../monitoring/tools.ts'

let folder: string
let tools: MonitoringTools

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pacs-monitoring-'))
  tools = await MonitoringTools.start([MONITORING, folder])
})

afterAll(async () => {
  await tools?.remove()
  await rm(folder, { recursive: true, force: true })
})

describe('promtool', () => {
  test('takes the configuration', async () => {
    const file = join(folder, 'prometheus.yml')
    await writeFile(
      file,
      (await readFile(join(MONITORING, 'prometheus.yml'), 'utf8')).replaceAll('/etc/prometheus', MONITORING),
    )
    expect(await tools.run(['promtool', 'check', 'config', '--syntax-only', file])).toContain('SUCCESS')
    expect(await tools.run(['promtool', 'check', 'rules', join(MONITORING, 'alert-rules.yml')])).toContain('SUCCESS')
  })

  test('sees every alert fire in its case, and stay silent in the other', async () => {
    const files = promtoolFiles(await readRules(), await readCases())
    for (const [name, content] of files) await writeFile(join(folder, name), content)
    const tests = [...files.keys()].filter((name) => name.startsWith('test-')).map((name) => join(folder, name))
    const said = await tools.run(['promtool', 'test', 'rules', ...tests])
    expect(said.match(/SUCCESS/g)).toHaveLength(tests.length)
  })
})

test('Prometheus reads every question of the dashboards', async () => {
  const questions = [...(await readDashboards()).values()].flatMap(questionsOf)
  const rules = [...new Set(questions)].map((expr, n) => ({ record: `question:${n}`, expr }))
  expect(rules.length).toBeGreaterThan(50)
  const file = join(folder, 'questions.yml')
  await writeFile(file, stringify({ groups: [{ name: 'questions', rules }] }))
  expect(await tools.run(['promtool', 'check', 'rules', file])).toContain(`${rules.length} rules found`)
})

describe('amtool', () => {
  const file = join(MONITORING, 'alertmanager.yml')

  test('takes the configuration', async () => {
    const said = await tools.run(['amtool', 'check-config', file])
    expect(said).toContain('SUCCESS')
    expect(said).toContain('5 receivers')
  })

  test.each([
    ['critical', 'availability', 'critical'],
    ['critical', 'backup', 'critical'],
    ['warning', 'capacity', 'warning'],
    ['warning', 'deploy', 'warning'],
    ['critical', 'security', 'security'],
    ['warning', 'security', 'security'],
    ['critical', 'compliance', 'compliance'],
    ['warning', 'compliance', 'compliance'],
  ])('sends what is %s in %s to %s', async (severity, category, receiver) => {
    const labels = [`severity=${severity}`, `category=${category}`, 'alertname=Any']
    await tools.run([
      'amtool',
      'config',
      'routes',
      'test',
      '--config.file',
      file,
      `--verify.receivers=${receiver}`,
      ...labels,
    ])
  })

  test('sends the watchdog to the outside', async () => {
    const labels = ['severity=none', 'category=meta', 'alertname=Watchdog']
    await tools.run([
      'amtool',
      'config',
      'routes',
      'test',
      '--config.file',
      file,
      '--verify.receivers=watchdog',
      ...labels,
    ])
  })
})

/** What each cause hides, and what of the same kind it leaves. */
const HIDES = {
  TraefikDown: 'EdgeProbeFailed EdgeSlow ErrorBudgetBurns ErrorBudgetBurnsFast ErrorBudgetBurnsSlowly ErrorBudgetLeaks',
  ApiDown:
    'ApiInstanceDown ApiSlow ErrorBudgetBurns ErrorBudgetBurnsFast ErrorBudgetBurnsSlowly ErrorBudgetLeaks EventLoopLags',
  OrthancDown: 'DicomPortClosed ExportsFail NoStudiesReceived OrthancJobsPile OrthancStoreSlow',
  MongoDown: 'FindingsFail MongoUnreachableFromSome',
  RedisDown: 'RedisMemoryHigh RedisRejectsConnections',
  ErrorBudgetBurnsFast: 'ErrorBudgetBurns ErrorBudgetBurnsSlowly ErrorBudgetLeaks',
  DiskAlmostFull: 'DiskFillingUp',
  BackupVeryOld: 'BackupTooOld',
} as const
const hiddenSchema = z.array(
  z.object({
    fingerprint: z.string(),
    labels: z.looseObject({ alertname: z.string(), category: z.string(), mountpoint: z.string() }),
    status: z.object({ inhibitedBy: z.array(z.string()) }),
  }),
)

describe('Alertmanager', () => {
  const url = '--alertmanager.url=http://127.0.0.1:9093'
  const query = async (which: string) =>
    hiddenSchema.parse(JSON.parse(await tools.run(['amtool', 'alert', 'query', which, '--output=json', url])))
  let all: { alert: string; line: (more?: string) => string }[]

  beforeAll(async () => {
    await tools.startAlertmanager(join(MONITORING, 'alertmanager.yml'))
    await waitFor(
      'Alertmanager to answer',
      () =>
        query('--active').then(
          () => true,
          () => false,
        ),
      30_000,
    )
    all = alertsOf(await readRules()).map(({ alert, labels: { severity, category } }) => ({
      alert,
      line: (more = '') =>
        `amtool alert add ${url} alertname=${alert} severity=${severity} category=${category} instance=a mountpoint=/ ${more}`,
    }))
    const causes = new Set<string>(Object.keys(HIDES))
    await post(all.filter(({ alert }) => !causes.has(alert)).map(({ line }) => line()))
    expect(await query('--inhibited')).toEqual([])
  })

  async function post(lines: readonly string[]): Promise<void> {
    const file = join(folder, 'post.sh')
    await writeFile(file, `${lines.join('\n')}\n`)
    await tools.script(file)
  }

  test.each(Object.entries(HIDES))('hides behind %s what follows from it, and nothing else', async (cause, hides) => {
    const { line } = all.find(({ alert }) => alert === cause) ?? expect.fail(`no alert is called ${cause}`)
    const others = all.filter(({ alert }) => Object.keys(HIDES).includes(alert) && hides.split(' ').includes(alert))
    // A consequence that hides others itself is there only while its cause is.
    await post([line(), ...others.map((one) => one.line())])
    const hidden = await query('--inhibited')
    expect([...new Set(hidden.map(({ labels }) => labels.alertname))].toSorted()).toEqual(hides.split(' '))
    const own = (await query('--active')).find(({ labels }) => labels.alertname === cause)?.fingerprint
    expect(own).toBeDefined()
    for (const one of hidden) expect(one.status.inhibitedBy, one.labels.alertname).toContain(own)
    const over = `--end=${new Date().toISOString()}`
    await post([line(over), ...others.map((one) => one.line(over))])
    expect(await query('--inhibited')).toEqual([])
  })

  test('hides nothing of security and compliance while every cause is there, and no other disk', async () => {
    await post(all.map(({ line }) => line()))
    const filling = all.find(({ alert }) => alert === 'DiskFillingUp')?.line()
    await post([filling?.replace('mountpoint=/ ', 'mountpoint=/other ') ?? ''])
    const hidden = await query('--inhibited')
    const names = [...new Set(hidden.map(({ labels }) => labels.alertname))].toSorted()
    expect(names).toEqual([...new Set(Object.values(HIDES).flatMap((some) => some.split(' ')))].toSorted())
    expect(hidden.filter(({ labels }) => /^(security|compliance)$/.test(labels.category))).toEqual([])
    expect(hidden.map(({ labels }) => labels.mountpoint)).not.toContain('/other')
  })
})
