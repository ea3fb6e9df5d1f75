import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { DASHBOARDS } from '../../../scripts/dashboards/definitions.ts'
import { renderDashboard } from '../../../scripts/dashboards/render.ts'
import { questionsOf, readDashboards, type ShippedDashboard } from '../../monitoring/dashboards.ts'
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
