import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { questionsOf, readDashboards } from '../../monitoring/dashboards.ts'
import { labelsAsked, metricNames } from '../../monitoring/metric-names.ts'
import { readRules } from '../../monitoring/rules.ts'

const FIXTURE = join(import.meta.dirname, '../../fixtures/recorded-series.json')
const fixture = z.record(z.string(), z.record(z.string(), z.array(z.string())))
/** Put on by Prometheus when it scrapes. */
const TARGET_LABELS = ['job', 'instance', 'service']

/** Labels of each metric, whichever job brought it. */
let recorded: Map<string, Set<string>>

beforeAll(async () => {
  recorded = new Map()
  for (const metrics of Object.values(fixture.parse(JSON.parse(await readFile(FIXTURE, 'utf8'))))) {
    for (const [name, labels] of Object.entries(metrics)) {
      recorded.set(name, new Set([...(recorded.get(name) ?? []), ...labels]))
    }
  }
})

test('a metric is told from a function, a label and a keyword', () => {
  const expr =
    'sum by (le, route) (rate(a_bucket{code=~"5..",route!~"x{y}"}[10m])) > 1 and on() b:c offset 2m == bool d'
  expect([...metricNames(expr)].sort()).toEqual(['a_bucket', 'b:c', 'd'])
  expect(labelsAsked('rate(a{code=~"5..",job="x"}[5m]) / b')).toEqual([['a', ['code', 'job']]])
})

describe('what was scraped from the stack at work holds every metric, with its labels,', () => {
  test('of the alerts', async () => {
    const asked = (await readRules()).groups.flatMap(({ rules }) => rules.map(({ expr }) => expr))
    expect(asked.length).toBeGreaterThan(70)
    expect(asked.flatMap(lacking)).toEqual([])
  })

  test('of the dashboards', async () => {
    const asked = [...(await readDashboards()).values()].flatMap(questionsOf)
    expect(asked.length).toBeGreaterThan(80)
    expect(asked.flatMap(lacking)).toEqual([])
  })
})

function lacking(expr: string): string[] {
  const names = [...metricNames(expr)].filter((name) => !recorded.has(name))
  const labels = labelsAsked(expr).flatMap(([name, asked]) =>
    asked
      .filter((label) => !TARGET_LABELS.includes(label) && !recorded.get(name)?.has(label))
      .map((label) => `${name}{${label}}`),
  )
  return [...names, ...labels]
}
