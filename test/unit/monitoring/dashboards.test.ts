import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { DASHBOARDS } from '../../../scripts/dashboards/definitions.ts'
import { renderDashboard } from '../../../scripts/dashboards/render.ts'
import { questionsOf, readDashboards, type ShippedDashboard } from '../../monitoring/dashboards.ts'
import { grafanaSchema } from '../../monitoring/grafana-schema.ts'
import { MONITORING } from '../../monitoring/rules.ts'

let dashboards: Map<string, ShippedDashboard>

beforeAll(async () => {
  dashboards = await readDashboards()
})

test('the files are what the definitions say (node scripts/dashboards.ts)', async () => {
  expect([...dashboards.keys()].sort()).toEqual(DASHBOARDS.map(({ uid }) => `${uid}.json`).sort())
  expect(dashboards.has('pacs-dashboard.json')).toBe(true)
  for (const one of DASHBOARDS) {
    const file = join(MONITORING, 'grafana/dashboards', `${one.uid}.json`)
    expect(await readFile(file, 'utf8'), one.uid).toBe(renderDashboard(one))
  }
})

test('each panel has a place of its own, and each dashboard its variables and a mark at each release', () => {
  for (const [name, { panels, templating, annotations }] of dashboards) {
    expect(
      templating.list.map((one) => one.name),
      name,
    ).toEqual(['datasource', 'instance'])
    expect(annotations.list[0]?.expr, name).toContain('pacs_build_info')
    expect(new Set(panels.map(({ id }) => id)).size, name).toBe(panels.length)
    expect(new Set(panels.map(({ title }) => title)).size, name).toBe(panels.length)
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, n) => `${x + (n % w)},${y + Math.floor(n / w)}`),
    )
    expect(new Set(cells).size, `${name}: panels that overlap`).toBe(cells.length)
    expect(Math.max(...panels.map(({ gridPos: { x, w } }) => x + w)), name).toBeLessThanOrEqual(24)
  }
})

test('rates follow the step that Grafana chooses, and counters are never shown bare', () => {
  for (const [name, dashboard] of dashboards) {
    for (const { title, targets } of dashboard.panels) {
      for (const { expr } of targets) {
        expect(expr, `${name}: ${title}`).not.toMatch(/rate\([^[]*\[\d/)
        if (/_total\b/.test(expr)) expect(expr, `${name}: ${title}`).toMatch(/rate|increase/)
      }
    }
    // $1 is PromQL's own; any other is a variable that Grafana would leave as it is.
    for (const question of questionsOf(dashboard)) expect(question.replaceAll('"$1"', ''), name).not.toContain('$')
  }
})

test("each is as Grafana's own schema says, down to the options of its panels", () => {
  const judge = grafanaSchema(['timeseries', 'stat', 'table'])
  for (const [name, one] of dashboards) expect(judge(one), name).toEqual([])
  const broken = structuredClone(dashboards.get('pacs-dashboard.json'))
  const stat = broken?.panels.findIndex(({ type }) => type === 'stat') ?? -1
  Object.assign(broken?.panels[stat] ?? {}, { options: { colorMode: 'rainbow', orientation: 'auto' }, gridpos: {} })
  Object.assign(broken ?? {}, { graphTooltip: 7, schemaVersion: '41', links: [{ type: 'dashboards' }] })
  const found = judge(broken)
  expect(found).toContainEqual(expect.stringContaining('graphTooltip: 7 is no DashboardCursorSync'))
  expect(found).toContain('schemaVersion: "41" is no number')
  expect(found).toContain('links.0.icon: is missing')
  expect(found).toContain(`panels.${stat}.gridpos: is in no schema of Grafana`)
  expect(found).toContain(`panels.${stat}.options.textMode: is missing`)
  expect(found).toContainEqual(expect.stringContaining('options.colorMode: "rainbow" is no BigValueColorMode'))
  expect(judge({ ...broken, panels: [{ type: 'unheard-of' }] }).join('\n')).toContain(
    'no schema was read for "unheard-of"',
  )
})

test('Grafana is told to ask the Prometheus of the stack, and to read the dashboards where they are mounted', async () => {
  const read = async (path: string): Promise<unknown> =>
    parse(await readFile(join(MONITORING, path), 'utf8'), { merge: true })
  const mount = z.object({ source: z.string(), target: z.string() })
  const service = z.object({ volumes: z.array(z.union([z.string(), mount])).optional() })
  const { services } = z
    .object({ services: z.record(z.string(), service) })
    .parse(await read('../docker-compose.prod.yml'))
  const mounts = new Map(
    services.grafana?.volumes?.flatMap((one) => (typeof one === 'string' ? [] : [[one.source, one.target] as const])),
  )
  const { datasources } = z
    .object({ datasources: z.array(z.object({ uid: z.string(), url: z.url() })) })
    .parse(await read('grafana/datasources/prometheus.yml'))
  expect(datasources.map(({ url }) => url)).toEqual(['http://prometheus:9090'])
  for (const { url } of datasources) expect(Object.keys(services)).toContain(new URL(url).hostname)
  const { providers } = z
    .object({ providers: z.array(z.object({ options: z.object({ path: z.string() }) })) })
    .parse(await read('grafana/provisioning/dashboards.yml'))
  expect(providers.map(({ options }) => options.path)).toEqual([mounts.get('./monitoring/grafana/dashboards')])
  // Where Grafana looks for the two files themselves.
  expect(mounts.get('./monitoring/grafana/datasources')).toBe('/etc/grafana/provisioning/datasources')
  expect(mounts.get('./monitoring/grafana/provisioning')).toBe('/etc/grafana/provisioning/dashboards')
})
