import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { labelsAsked, metricNames } from '../../monitoring/metric-names.ts'
import { everythingAsked, lackingIn } from '../../monitoring/scraped.ts'

const FIXTURE = join(import.meta.dirname, '../../fixtures/recorded-series.json')
const fixture = z.record(z.string(), z.record(z.string(), z.array(z.string())))

test('a metric is told from a function, a label and a keyword', () => {
  const expr =
    'sum by (le, route) (rate(a_bucket{code=~"5..",route!~"x{y}"}[10m])) > 1 and on() b:c offset 2m == bool d'
  expect([...metricNames(expr)].sort()).toEqual(['a_bucket', 'b:c', 'd'])
  expect(labelsAsked('rate(a{code=~"5..",job="x"}[5m]) / b')).toEqual([['a', ['code', 'job']]])
  expect(lackingIn({ x: { a: ['le'] } }, ['a{code="1",le="2"} / b', 'b'])).toEqual(['b', 'a{code}'])
})

test('what was scraped from the stack at work holds every metric of alerts and dashboards, with its labels', async () => {
  const scraped = fixture.parse(JSON.parse(await readFile(FIXTURE, 'utf8')))
  const { rules, dashboards } = await everythingAsked()
  expect(rules.length).toBeGreaterThan(70)
  expect(dashboards.length).toBeGreaterThan(80)
  expect(lackingIn(scraped, rules)).toEqual([])
  expect(lackingIn(scraped, dashboards)).toEqual([])
})
