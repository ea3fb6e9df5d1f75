// Writes Grafana's dashboards from their definitions. Usage: node scripts/dashboards.ts
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DASHBOARDS } from './dashboards/definitions.ts'
import { renderDashboard } from './dashboards/render.ts'

const FOLDER = join(import.meta.dirname, '../deployment/production/monitoring/grafana/dashboards')

for (const dashboard of DASHBOARDS) await writeFile(join(FOLDER, `${dashboard.uid}.json`), renderDashboard(dashboard))
