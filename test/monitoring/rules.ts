// The shipped alert rules and the cases that prove each, as promtool takes them.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { z } from 'zod'

export const MONITORING = join(import.meta.dirname, '../../deployment/production/monitoring')
const CASES = join(import.meta.dirname, '../fixtures/alerts/cases.yml')

/** The kinds of trouble that an alert may tell of. */
export const CATEGORIES = [
  'availability',
  'latency',
  'capacity',
  'database',
  'imaging',
  'security',
  'compliance',
  'backup',
  'deploy',
  'meta',
] as const

const alert = z.strictObject({
  alert: z.string(),
  expr: z.string(),
  for: z.string().optional(),
  labels: z.strictObject({
    severity: z.enum(['critical', 'warning', 'none']),
    category: z.enum(CATEGORIES),
  }),
  annotations: z.strictObject({ summary: z.string().min(10), action: z.string().min(5), runbook_url: z.string() }),
})
const recording = z.strictObject({ record: z.string(), expr: z.string() })
const rulesFile = z.strictObject({
  groups: z.array(
    z.strictObject({
      name: z.string(),
      interval: z.string().optional(),
      rules: z.array(z.union([alert, recording])),
    }),
  ),
})
const seriesMap = z.record(z.string(), z.string())
const someSeries = z.union([z.array(seriesMap), seriesMap.transform((one) => [one])])
const casesFile = z.record(
  z.string(),
  z.strictObject({
    at: z.string(),
    interval: z.string().default('1m'),
    /** One for each branch of the rule. */
    fires: someSeries,
    /** Missing only for what fires always. */
    silent: someSeries.default([]),
    /** When what fires is silent all the same. */
    silentAt: z.array(z.string()).default([]),
  }),
)

export type Alert = z.infer<typeof alert>
export type Rules = z.infer<typeof rulesFile>
export type Cases = z.infer<typeof casesFile>

export async function readRules(): Promise<Rules> {
  return rulesFile.parse(parse(await readFile(join(MONITORING, 'alert-rules.yml'), 'utf8')))
}

export async function readCases(): Promise<Cases> {
  return casesFile.parse(parse(await readFile(CASES, 'utf8')))
}

export function alertsOf({ groups }: Rules): Alert[] {
  return groups.flatMap(({ rules }) => rules.filter((rule) => 'alert' in rule))
}

/**
 * Test files for promtool, with the rules that each needs: promtool evaluates all rules of a file for every case, so each group stands
 * apart, and what takes days is evaluated in larger steps.
 * @returns name → content; the tests are those that begin with `test-`
 */
export function promtoolFiles(rules: Rules, cases: Cases): Map<string, string> {
  const files = new Map<string, string>()
  const recorded = rules.groups.filter(({ name }) => name === 'recorded')
  for (const group of rules.groups) {
    const alerts = group.rules.filter((rule) => 'alert' in rule)
    if (alerts.length === 0) continue
    const needed = group.name === 'availability' ? [...recorded, group] : [group]
    files.set(`rules-${group.name}.yml`, stringify({ groups: needed }))
    const tests = alerts.flatMap((alert) => testsOf(alert, cases[alert.alert]))
    for (const [interval, some] of Map.groupBy(tests, (test) => test.interval)) {
      const content = {
        rule_files: [`rules-${group.name}.yml`],
        evaluation_interval: interval,
        // Left out, promtool takes them in an order of its own, another one each time: what an alert reads may be a step late.
        group_eval_order: needed.map(({ name }) => name),
        tests: some,
      }
      files.set(`test-${group.name}-${interval}.yml`, stringify(content))
    }
  }
  return files
}

function testsOf({ alert, for: holds }: Alert, found: Cases[string] | undefined) {
  if (found === undefined) return []
  const { at, interval, fires, silent, silentAt } = found
  const firing = [{ labels: '{}', value: 1 }]
  const early = holds === undefined ? null : minutes(holds) - minutes(interval)
  return [
    ...fires.map((series, n) => ({ kind: `fires (${n + 1})`, series, at, samples: firing })),
    ...fires.flatMap((series, n) =>
      early === null ? [] : [{ kind: `is pending (${n + 1})`, series, at: `${early}m`, samples: [] }],
    ),
    ...silent.map((series, n) => ({ kind: `is silent (${n + 1})`, series, at, samples: [] })),
    ...silentAt.flatMap((then) =>
      fires.map((series) => ({ kind: `is silent after ${then}`, series, at: then, samples: [] })),
    ),
  ].map(({ kind, series, at, samples }) => ({
    name: `${alert} ${kind}`,
    interval,
    input_series: Object.entries(series).map(([series, values]) => ({ series, values })),
    promql_expr_test: [
      {
        expr: `count(ALERTS{alertname="${alert}",alertstate="firing"}) > bool 0`,
        eval_time: at,
        exp_samples: samples,
      },
    ],
  }))
}

function minutes(duration: string): number {
  const [, count, unit = ''] = /^(\d+)([mhd])$/.exec(duration) ?? []
  const each = { m: 1, h: 60, d: 1440 }[unit]
  if (each === undefined) throw new Error(`"${duration}" is no duration of minutes, hours or days`)
  return Number(count) * each
}
