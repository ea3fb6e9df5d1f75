// What rules and dashboards ask for, held against what was scraped.
import { questionsOf, readDashboards } from './dashboards.ts'
import { labelsAsked, metricNames } from './metric-names.ts'
import { readRules } from './rules.ts'

/** Put on by Prometheus when it scrapes. */
const TARGET_LABELS = ['job', 'instance', 'service']

/** Job → metric → its labels. */
export type Scraped = Record<string, Record<string, string[]>>

/** Every expression of the rules, and every question of the dashboards. */
export async function everythingAsked(): Promise<{ rules: string[]; dashboards: string[] }> {
  return {
    rules: (await readRules()).groups.flatMap(({ rules }) => rules.map(({ expr }) => expr)),
    dashboards: [...(await readDashboards()).values()].flatMap(questionsOf),
  }
}

/** The metrics, and the labels of metrics, that `asked` names and no job brought. */
export function lackingIn(scraped: Scraped, asked: readonly string[]): string[] {
  const known = new Map<string, Set<string>>()
  for (const metrics of Object.values(scraped)) {
    for (const [name, labels] of Object.entries(metrics)) {
      known.set(name, new Set([...(known.get(name) ?? []), ...labels]))
    }
  }
  const lacking = asked.flatMap((expr) => [
    ...[...metricNames(expr)].filter((name) => !known.has(name)),
    ...labelsAsked(expr).flatMap(([name, labels]) =>
      labels
        .filter((label) => !TARGET_LABELS.includes(label) && !known.get(name)?.has(label))
        .map((label) => `${name}{${label}}`),
    ),
  ])
  return [...new Set(lacking)]
}
