// Grafana's dashboards as they are shipped, read for what must be true of each.
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { MONITORING } from './rules.ts'

const FOLDER = join(MONITORING, 'grafana/dashboards')

const datasource = z.strictObject({ type: z.literal('prometheus'), uid: z.string().regex(/^\$\{datasource\}$/) })
const target = z.looseObject({
  refId: z.string().regex(/^[A-Z]$/),
  datasource,
  expr: z.string().min(1),
  legendFormat: z.string().min(1),
})
const panel = z.looseObject({
  id: z.int().positive(),
  type: z.enum(['timeseries', 'stat', 'table']),
  title: z.string().min(3),
  description: z.string().min(10),
  datasource,
  gridPos: z.strictObject({ x: z.int().min(0), y: z.int().min(0), w: z.int().min(1).max(24), h: z.int().min(1) }),
  fieldConfig: z.looseObject({ defaults: z.looseObject({ unit: z.string().min(1) }) }),
  targets: z.array(target).min(1),
})
const dashboard = z.looseObject({
  uid: z.string().regex(/^[a-z][a-z-]{0,39}$/),
  title: z.string(),
  description: z.string().min(10),
  schemaVersion: z.int().min(36),
  editable: z.literal(false),
  annotations: z.looseObject({
    list: z.array(z.looseObject({ name: z.string(), expr: z.string(), datasource })).min(1),
  }),
  templating: z.looseObject({ list: z.array(z.looseObject({ name: z.string(), type: z.string() })) }),
  panels: z.array(panel).min(3),
})

export type ShippedDashboard = z.infer<typeof dashboard>

/** By the name of the file. @throws when one is not of the shape that Grafana needs */
export async function readDashboards(): Promise<Map<string, ShippedDashboard>> {
  const files = (await readdir(FOLDER)).filter((name) => name.endsWith('.json'))
  const read = async (name: string): Promise<[string, ShippedDashboard]> => [
    name,
    dashboard.parse(JSON.parse(await readFile(join(FOLDER, name), 'utf8'))),
  ]
  return new Map(await Promise.all(files.map(read)))
}

/** Every question of a dashboard, with Grafana's variables given a value. */
export function questionsOf({ panels, annotations }: ShippedDashboard): string[] {
  const asked = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))
  return [...asked, ...annotations.list.map(({ expr }) => expr)].map((expr) =>
    expr.replaceAll('$__rate_interval', '5m').replaceAll('$instance', '.*'),
  )
}
