// The shipped monitoring at work: dashboards that show something, and alerts that reach people when real things break.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Lab, type Machine, startLab, waitFor } from '../lab/index.ts'
import { questionsOf, readDashboards } from '../monitoring/dashboards.ts'
import { breakApi, breakThings, EXPECTED, mendRedis, type Raised, SCRAPED_AND_EVALUATED } from '../monitoring/faults.ts'
import { everythingAsked, lackingIn } from '../monitoring/scraped.ts'
import { answers, type Message, messages, recordedSeries, startMonitoring, work } from '../monitoring/site.ts'
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

test('the stack brings every metric and label that rules and dashboards ask for, as they were recorded', async () => {
  const { rules, dashboards } = await everythingAsked()
  let lacking: string[] = []
  await waitFor(
    'every metric to be scraped',
    async () => {
      lacking = lackingIn(await recordedSeries(server), [...rules, ...dashboards])
      return lacking.length === 0
    },
    2 * 60_000,
  ).catch(() => undefined)
  expect(lacking, 'test/monitoring/record.ts says what is there').toEqual([])
})

test('the watchdog is heard of again and again', async () => {
  const heard = async () => (await messages(server)).filter((one) => one.by === 'web' && one.to === '/watchdog').length
  await waitFor('a second heartbeat', async () => (await heard()) >= 2, PATIENCE)
})

test('twelve alerts reach their receivers when real things break, and one is called off when its cause is mended', async () => {
  const broken = await breakThings(lab, server)
  const rows: string[] = []
  const arrived = async (alert: Raised) => {
    const found = await waitFor(
      `a message about ${alert}`,
      async () => about(alert, broken[alert], await messages(server)),
      PATIENCE + EXPECTED[alert].holds * 1000,
    )
    const { holds, wait } = EXPECTED[alert]
    const seconds = found.at - broken[alert]
    rows.push(`${alert}: ${seconds.toFixed(0)} s, of which ${holds} s for and ${wait} s group_wait`)
    // Sooner than it may fire would mean that something else raised it.
    expect(seconds, alert).toBeGreaterThan(holds)
  }
  const later = new Set<Raised>(['ApiDown', 'EdgeProbeFailed', 'TargetDown'])
  const names = Object.keys(EXPECTED) as Raised[]
  for (const alert of names.filter((one) => !later.has(one))) await arrived(alert)
  const mended = await mendRedis(server)
  broken.ApiDown = broken.EdgeProbeFailed = await breakApi(server)
  for (const alert of later) await arrived(alert)
  await waitFor(
    'a message that Redis is back',
    async () =>
      (await messages(server)).find((one) => one.at > mended && /^Subject: \[RESOLVED\] RedisDown /m.test(textOf(one))),
    PATIENCE,
  )
  process.stdout.write(`${rows.join('\n')}\n(beside these up to ${SCRAPED_AND_EVALUATED} s to scrape and evaluate)\n`)
  const mails = (await messages(server)).filter((one) => one.by === 'mail')
  expect(mails.flatMap(({ to }) => to)).toEqual(
    expect.arrayContaining(['pacs-on-call@example.org', 'pacs-team@example.org', 'pacs-compliance@example.org']),
  )
  expect(mails.map(({ text }) => text).join('\n')).toMatch(/Runbook: monitoring\/runbooks\/MongoDown\.md/)
})

/** The first message about `alert` since then at the receiver that it is for: some fire while the stack comes up. */
function about(alert: Raised, since: number, all: readonly Message[]): Message | undefined {
  const { receiver } = EXPECTED[alert]
  return all.find((one) => {
    if (one.at <= since) return false
    // The team hears by mail alone.
    if (receiver === 'warning')
      return isTo('pacs-team@example.org', one) && textOf(one).includes(`Subject: [FIRING warning] ${alert} `)
    return (
      one.by === 'web' &&
      one.to === `/${receiver}` &&
      one.alerts.some((found) => found.alert === alert && found.status === 'firing')
    )
  })
}

function isTo(address: string, one: Message): boolean {
  return one.by === 'mail' && one.to.includes(address)
}

function textOf(one: Message): string {
  return one.by === 'mail' ? one.text : ''
}
