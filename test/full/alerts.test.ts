// The shipped monitoring at work: dashboards that show something, and alerts that reach people when real things break.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Lab, type Machine, startLab, waitFor } from '../lab/index.ts'
import { questionsOf, readDashboards } from '../monitoring/dashboards.ts'
import { EXPECTED, type Raised } from '../monitoring/faults.ts'
import { PATIENCE, timeToMessages } from '../monitoring/heard.ts'
import { everythingAsked, lackingIn } from '../monitoring/scraped.ts'
import { answers, type Message, messages, recordedSeries, startMonitoring, work } from '../monitoring/site.ts'
import { build, configure, copyDeployment } from '../stack/standalone.ts'

/** What is empty as long as nothing is wrong and no release is new. */
const EMPTY_WHEN_WELL = /code=~"[45]|code=~"401|alertstate="firing",alertname!="Watchdog"\}$|unless count by/

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
  const { seconds, mended } = await timeToMessages(lab, server)
  // Sooner than it may fire would mean that something else raised it.
  for (const alert of Object.keys(EXPECTED) as Raised[])
    expect(seconds[alert], alert).toBeGreaterThan(EXPECTED[alert].holds)
  await waitFor(
    'a message that Redis is back',
    async () =>
      (await messages(server)).find((one) => one.at > mended && /^Subject: \[RESOLVED\] RedisDown /m.test(textOf(one))),
    PATIENCE,
  )
  const mails = (await messages(server)).filter((one) => one.by === 'mail')
  expect(mails.flatMap(({ to }) => to)).toEqual(
    expect.arrayContaining(['pacs-on-call@example.org', 'pacs-team@example.org', 'pacs-compliance@example.org']),
  )
  expect(mails.map(({ text }) => text).join('\n')).toMatch(/Runbook: monitoring\/runbooks\/MongoDown\.md/)
})

function textOf(one: Message): string {
  return one.by === 'mail' ? one.text : ''
}
