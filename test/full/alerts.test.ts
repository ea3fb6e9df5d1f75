// The shipped monitoring at work: dashboards that show something, and alerts that reach people when real things break.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Lab, type Machine, startLab, waitFor } from '../lab/index.ts'
import { questionsOf, readDashboards } from '../monitoring/dashboards.ts'
import { EXPECTED, type Raised } from '../monitoring/faults.ts'
import { PATIENCE, timeToMessages } from '../monitoring/heard.ts'
import { everythingAsked, lackingIn } from '../monitoring/scraped.ts'
import { answers, type Message, messages, recordedSeries, startMonitoring, work } from '../monitoring/site.ts'
import { build, configure, copyDeployment } from '../stack/standalone.ts'
import { logIn, visit } from '../stack/visit.ts'

/** What is empty as long as nothing is wrong; it is asked while things are broken. */
const EMPTY_WHEN_WELL = /code=~"[45]|code=~"401|alertstate="firing",alertname!="Watchdog"\}$/
/** What marks a new release: for the two minutes after its first scrape. */
const NEW_RELEASE = /unless count by/

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
  const asked = (await questions()).filter((one) => !EMPTY_WHEN_WELL.test(one) && !NEW_RELEASE.test(one))
  expect(asked.length).toBeGreaterThan(60)
  expect(await unanswered(asked, 3 * 60_000)).toEqual([])
})

test('a release is marked on the dashboards at the time of its first scrape', async () => {
  const marks = (await questions()).filter((one) => NEW_RELEASE.test(one))
  expect(marks).toHaveLength(1)
  // Since then more than two minutes may have gone: asked for each moment of the last hour.
  expect(
    await unanswered(
      marks.map((mark) => `count_over_time((${mark})[1h:15s])`),
      PATIENCE,
    ),
  ).toEqual([])
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

test('an API that the kernel ends for its memory is back by itself, and the team hears of it', async () => {
  const api = 'pacs-standalone-backend-1'
  const restarts = async () => Number(await server.run(['docker', 'inspect', '-f', '{{.RestartCount}}', api]))
  expect(await restarts()).toBe(0)
  const session = await logIn(lab, server)
  const since = Date.now() / 1000
  // Whoever takes the memory is spared, so that the API itself is what the kernel chooses.
  const first = 'for p in /proc/[0-9]*; do [ $p = /proc/$$ ] || echo 1000 >$p/oom_score_adj; done'
  const take = 'const kept = []; for (;;) kept.push(Buffer.alloc(1 << 22, 1))'
  await server.exec(['docker', 'exec', api, 'sh', '-c', `${first}; exec node -e '${take}'`])
  await waitFor('the API to be started again', async () => (await restarts()) === 1, 60_000)
  await waitFor(
    'the API to answer the session of before',
    async () => (await visit(lab, server, '/api/session', { session })).status === 200,
    60_000,
  )
  const heard = async () =>
    (await messages(server)).some(
      (one) => one.at > since && /^Subject: \[FIRING warning\] OutOfMemoryKill /m.test(textOf(one)),
    )
  await waitFor('a message about it', heard, PATIENCE)
})

test('twelve alerts reach their receivers when real things break, panels of what is wrong show it, and one is called off when its cause is mended', async () => {
  const wrong = (await questions()).filter((one) => EMPTY_WHEN_WELL.test(one))
  expect(wrong.length).toBeGreaterThanOrEqual(5)
  const [{ seconds, mended }, empty] = await Promise.all([timeToMessages(lab, server), unanswered(wrong, 2 * PATIENCE)])
  expect(empty).toEqual([])
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

/** Every question of a dashboard, once. */
async function questions(): Promise<string[]> {
  return [...new Set([...(await readDashboards()).values()].flatMap(questionsOf))]
}

/** Asks until each was answered once. @returns those that were not within `limit` milliseconds */
async function unanswered(asked: readonly string[], limit: number): Promise<string[]> {
  let empty = [...asked]
  await waitFor(
    'an answer to every question',
    async () => {
      const counts = await Promise.all(empty.map((question) => answers(server, question)))
      empty = empty.filter((_question, n) => counts[n] === 0)
      return empty.length === 0
    },
    limit,
  ).catch(() => undefined)
  return empty
}

function textOf(one: Message): string {
  return one.by === 'mail' ? one.text : ''
}
