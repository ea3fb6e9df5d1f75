// What is shipped for Prometheus and Alertmanager, judged by their own programs.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { questionsOf, readDashboards } from '../monitoring/dashboards.ts'
import { MONITORING, promtoolFiles, readCases, readRules } from '../monitoring/rules.ts'
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
