// The shipped monitoring at work: dashboards that show something, and alerts that reach people when real things break.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Lab, type Machine, startLab, waitFor } from '../lab/index.ts'
import { questionsOf, readDashboards } from '../monitoring/dashboards.ts'
import { breakApi, breakThings, EXPECTED, type Raised, SCRAPED_AND_EVALUATED } from '../monitoring/faults.ts'
import { answers, type Message, messages, startMonitoring, work } from '../monitoring/site.ts'
import { build, configure, copyDeployment } from '../stack/standalone.ts'

/** What is empty as long as nothing is wrong and no release is new. */
const EMPTY_WHEN_WELL = /code=~"[45]|code=~"401|alertstate="firing",alertname!="Watchdog"\}$|unless count by/
/** Milliseconds for an alert to arrive, on a machine that does other things too. */
const PATIENCE = 6 * 60_000

let lab: Lab
let server: Machine

beforeAll(async () => {
  lab = await startLab({ servers: ['staging'], runner: false })
  server = lab.server('staging')
  await copyDeployment(server)
  await configure(server)
  for (const service of ['backend', 'frontend'] as const) {
    const { code, stderr } = await build(server, service, 'c0ffee0000000000000000000000000000000001')
    expect(code, stderr).toBe(0)
  }
  await startMonitoring(server)
})

afterAll(() => lab?.down())

test('every panel of the dashboards has data once the stack has worked', async () => {
  await work(lab, server)
  const questions = [...(await readDashboards()).values()].flatMap(questionsOf)
  const asked = [...new Set(questions)].filter((question) => !EMPTY_WHEN_WELL.test(question))
  expect(asked.length).toBeGreaterThan(60)
  let empty = asked
  await waitFor(
    'an answer to every question',
    async () => {
      const counts = await Promise.all(empty.map((question) => answers(server, question)))
      empty = empty.filter((_question, n) => counts[n] === 0)
      return empty.length === 0
    },
    3 * 60_000,
  ).catch(() => undefined)
  expect(empty).toEqual([])
})

test('the watchdog is heard of again and again', async () => {
  const heard = async () => (await messages(server)).filter((one) => one.by === 'web' && one.to === '/watchdog').length
  await waitFor('a second heartbeat', async () => (await heard()) >= 2, PATIENCE)
})

test('eleven alerts reach their receivers when real things break', async () => {
  const broken = await breakThings(lab, server)
  const rows: string[] = []
  const arrived = async (alert: Raised) => {
    const found = await waitFor(
      `a message about ${alert}`,
      async () => about(alert, broken[alert], await messages(server)),
      PATIENCE,
    )
    const { holds, wait } = EXPECTED[alert]
    const seconds = found.at - broken[alert]
    rows.push(`${alert}: ${seconds.toFixed(0)} s, of which ${holds} s for and ${wait} s group_wait`)
    // Sooner than it may fire would mean that something else raised it.
    expect(seconds, alert).toBeGreaterThan(holds)
  }
  const byApi = new Set<Raised>(['ApiDown', 'EdgeProbeFailed'])
  const names = Object.keys(EXPECTED) as Raised[]
  for (const alert of names.filter((one) => !byApi.has(one))) await arrived(alert)
  broken.ApiDown = broken.EdgeProbeFailed = await breakApi(server)
  for (const alert of byApi) await arrived(alert)
  process.stdout.write(`${rows.join('\n')}\n(beside these up to ${SCRAPED_AND_EVALUATED} s to scrape and evaluate)\n`)
  const mails = (await messages(server)).filter((one) => one.by === 'mail')
  expect(mails.flatMap(({ to }) => to)).toEqual(
    expect.arrayContaining(['pacs-on-call@example.org', 'pacs-compliance@example.org']),
  )
  expect(mails.map(({ text }) => text).join('\n')).toMatch(/Runbook: monitoring\/runbooks\/MongoDown\.md/)
})

/** The first message about `alert` since then at the receiver that it is for: some fire while the stack comes up. */
function about(alert: Raised, since: number, all: readonly Message[]): Message | undefined {
  return all.find(
    (one) =>
      one.by === 'web' &&
      one.at > since &&
      one.to === `/${EXPECTED[alert].receiver}` &&
      one.alerts.some((found) => found.alert === alert && found.status === 'firing'),
  )
}
