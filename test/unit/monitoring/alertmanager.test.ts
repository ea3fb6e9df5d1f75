import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { MONITORING } from '../../monitoring/rules.ts'

const pace = { receiver: z.string(), group_by: z.array(z.string()).optional() }
const times = {
  group_wait: z.string().optional(),
  group_interval: z.string().optional(),
  repeat_interval: z.string().optional(),
}
const child = z.strictObject({ ...pace, ...times, matchers: z.array(z.string()) })
const schema = z.object({ route: z.strictObject({ ...pace, ...times, routes: z.array(child) }) })

test('each receiver hears as soon and as often as docs/monitoring.md says, what belongs together in one message', async () => {
  const { route } = schema.parse(parse(await readFile(join(MONITORING, 'alertmanager.yml'), 'utf8')))
  const { routes, ...top } = route
  const effective = [top, ...routes].map(({ receiver, ...own }) => {
    const { group_by, group_wait, group_interval, repeat_interval } = { ...top, ...own }
    return [receiver, group_by?.join(' '), group_wait, group_interval, repeat_interval]
  })
  expect(effective).toEqual([
    ['warning', 'alertname category', '30s', '5m', '12h'],
    ['watchdog', 'alertname category', '0s', '30s', '1m'],
    ['compliance', 'alertname', '10s', '5m', '24h'],
    ['security', 'alertname', '10s', '5m', '4h'],
    ['critical', 'alertname category', '10s', '1m', '1h'],
  ])
  const page = await readFile(join(MONITORING, '../../../docs/monitoring.md'), 'utf8')
  const told = page.matchAll(/^\|[^|]*\| `(\w+)`:[^|]*\| (?:(\d+) s|-) \| (\d+) (h|min) \|$/gm)
  const rows = [...told].map(([, receiver, wait = '0', count, unit]) => [receiver, `${wait}s`, `${count}${unit?.[0]}`])
  expect(rows.toSorted()).toEqual(effective.map(([receiver, , wait, , repeat]) => [receiver, wait, repeat]).toSorted())
})
