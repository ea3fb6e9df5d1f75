// What is shipped for Prometheus and Alertmanager, judged by their own programs.
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { z } from 'zod'
import { CertificateAuthority } from '../lab/certificates.ts'
import { waitFor } from '../lab/index.ts'
import { questionsOf, readDashboards } from '../monitoring/dashboards.ts'
import { alertsOf, MONITORING, promtoolFiles, readCases, readRules } from '../monitoring/rules.ts'
import { MonitoringTools } from '../monitoring/tools.ts'

let folder: string
let tools: MonitoringTools

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pacs-monitoring-'))
  tools = await MonitoringTools.start([MONITORING, folder])
})

afterAll(async () => {
  await tools?.remove()
  await rm(folder, { recursive: true, force: true })
})

describe('promtool', () => {
  test('takes the configuration', async () => {
    const file = join(folder, 'prometheus.yml')
    await writeFile(
      file,
      (await readFile(join(MONITORING, 'prometheus.yml'), 'utf8')).replaceAll('/etc/prometheus', MONITORING),
    )
    expect(await tools.run(['promtool', 'check', 'config', '--syntax-only', file])).toContain('SUCCESS')
    expect(await tools.run(['promtool', 'check', 'rules', join(MONITORING, 'alert-rules.yml')])).toContain('SUCCESS')
  })

  test('sees every alert fire in its case, and stay silent in the other', async () => {
    const files = promtoolFiles(await readRules(), await readCases())
    for (const [name, content] of files) await writeFile(join(folder, name), content)
    const tests = [...files.keys()].filter((name) => name.startsWith('test-')).map((name) => join(folder, name))
    const said = await tools.run(['promtool', 'test', 'rules', ...tests])
    expect(said.match(/SUCCESS/g)).toHaveLength(tests.length)
  })
})

test('Prometheus reads every question of the dashboards', async () => {
  const questions = [...(await readDashboards()).values()].flatMap(questionsOf)
  const rules = [...new Set(questions)].map((expr, n) => ({ record: `question:${n}`, expr }))
  expect(rules.length).toBeGreaterThan(50)
  const file = join(folder, 'questions.yml')
  await writeFile(file, stringify({ groups: [{ name: 'questions', rules }] }))
  expect(await tools.run(['promtool', 'check', 'rules', file])).toContain(`${rules.length} rules found`)
})

describe('amtool', () => {
  const file = join(MONITORING, 'alertmanager.yml')

  test('takes the configuration', async () => {
    const said = await tools.run(['amtool', 'check-config', file])
    expect(said).toContain('SUCCESS')
    expect(said).toContain('5 receivers')
  })

  test.each([
    ['critical', 'availability', 'critical'],
    ['critical', 'backup', 'critical'],
    ['warning', 'capacity', 'warning'],
    ['warning', 'deploy', 'warning'],
    ['critical', 'security', 'security'],
    ['warning', 'security', 'security'],
    ['critical', 'compliance', 'compliance'],
    ['warning', 'compliance', 'compliance'],
  ])('sends what is %s in %s to %s', async (severity, category, receiver) => {
    const labels = [`severity=${severity}`, `category=${category}`, 'alertname=Any']
    await tools.run([
      'amtool',
      'config',
      'routes',
      'test',
      '--config.file',
      file,
      `--verify.receivers=${receiver}`,
      ...labels,
    ])
  })

  test('sends the watchdog to the outside', async () => {
    const labels = ['severity=none', 'category=meta', 'alertname=Watchdog']
    await tools.run([
      'amtool',
      'config',
      'routes',
      'test',
      '--config.file',
      file,
      '--verify.receivers=watchdog',
      ...labels,
    ])
  })
})

/** Checks that ServiceUnhealthy is about: of each service that has an alert of its own, and of some that have none. */
const UNHEALTHY = [
  'backend /api/health',
  'backend /health/ready',
  'disk /',
  'frontend /',
  'mongodb mongodb',
  'orthanc dicom',
  'postgres postgres',
  'public certificate',
  'redis redis',
  'release version',
  'traefik /ping',
].map((one) => one.split(' '))
const ofOrthanc = 'DicomPortClosed ExportsFail NoStudiesReceived OrthancJobsPile OrthancStoreSlow'
const apiSaysSo = 'ServiceUnhealthy:backend:/api/health'

/** What each cause hides, and what of the same kind it leaves. */
const HIDES = {
  TraefikDown:
    'EdgeProbeFailed EdgeSlow ErrorBudgetBurns ErrorBudgetBurnsFast ErrorBudgetBurnsSlowly ErrorBudgetLeaks ' +
    'ServiceUnhealthy:public:certificate ServiceUnhealthy:traefik:/ping',
  ApiDown:
    'ApiInstanceDown ApiSlow ErrorBudgetBurns ErrorBudgetBurnsFast ErrorBudgetBurnsSlowly ErrorBudgetLeaks EventLoopLags ' +
    `${apiSaysSo} ServiceUnhealthy:backend:/health/ready`,
  OrthancDown: `${ofOrthanc} ${apiSaysSo} ServiceUnhealthy:orthanc:dicom`,
  PostgresDown:
    `${ofOrthanc.replace('Orthanc', 'OrthancDown Orthanc')} ${apiSaysSo} ` +
    'ServiceUnhealthy:orthanc:dicom ServiceUnhealthy:postgres:postgres',
  MongoDown: `FindingsFail MongoUnreachableFromSome ${apiSaysSo} ServiceUnhealthy:mongodb:mongodb`,
  RedisDown: `RedisMemoryHigh RedisRejectsConnections ${apiSaysSo} ServiceUnhealthy:redis:redis`,
  ErrorBudgetBurnsFast: 'ErrorBudgetBurns ErrorBudgetBurnsSlowly ErrorBudgetLeaks',
  DiskAlmostFull: 'DiskFillingUp',
  BackupVeryOld: 'BackupTooOld',
} as const
const hiddenSchema = z.array(
  z.object({
    fingerprint: z.string(),
    labels: z.looseObject({
      alertname: z.string(),
      category: z.string(),
      mountpoint: z.string(),
      service: z.string().optional(),
      check: z.string().optional(),
    }),
    status: z.object({ inhibitedBy: z.array(z.string()) }),
  }),
)

/** Of the mail server; it holds what a URL or a shell would change. */
const PASSWORD = 'p%41ss w$rd "quoted"'
const heardSchema = z.object({
  by: z.string(),
  text: z.string().default(''),
  to: z.union([z.string(), z.array(z.string())]).optional(),
})

/** Each alert once, with the check that it is about where it is about one. */
function namesOf(alerts: z.infer<typeof hiddenSchema>): string[] {
  const names = alerts.map(({ labels: { alertname, service, check } }) =>
    [alertname, service, check].filter((part) => part !== undefined).join(':'),
  )
  return [...new Set(names)].toSorted()
}

describe('Alertmanager', () => {
  const url = '--alertmanager.url=http://127.0.0.1:9093'
  const query = async (which: string) =>
    hiddenSchema.parse(JSON.parse(await tools.run(['amtool', 'alert', 'query', which, '--output=json', url])))
  let all: { alert: string; line: (more?: string) => string }[]

  beforeAll(async () => {
    const authority = await startMailServer()
    const urls = ['critical', 'security', 'compliance', 'watchdog'].map((name) => [
      `alertmanager-${name}-url`,
      `http://127.0.0.1:8800/${name}`,
    ])
    const secrets = { ...Object.fromEntries(urls), 'alertmanager-smtp-password': PASSWORD }
    await tools.startAlertmanager(join(MONITORING, 'alertmanager.yml'), secrets, authority)
    await waitFor(
      'Alertmanager to answer',
      () =>
        query('--active').then(
          () => true,
          () => false,
        ),
      30_000,
    )
    all = alertsOf(await readRules()).flatMap(({ alert, labels: { severity, category } }) => {
      const labels = `alertname=${alert} severity=${severity} category=${category} instance=a mountpoint=/`
      const about =
        alert === 'ServiceUnhealthy' ? UNHEALTHY.map(([service, check]) => `service=${service} check=${check}`) : ['']
      return about.map((which) => ({
        alert,
        line: (more = '') => `amtool alert add ${url} ${labels} ${which} ${more}`,
      }))
    })
    const causes = new Set<string>(Object.keys(HIDES))
    await post(all.filter(({ alert }) => !causes.has(alert)).map(({ line }) => line()))
    expect(await query('--inhibited')).toEqual([])
  })

  /** One at the shipped address, that admits the shipped user by a password. @returns path of the authority of its certificate */
  async function startMailServer(): Promise<string> {
    const mail = join(folder, 'mail')
    await mkdir(mail)
    const authority = new CertificateAuthority(folder)
    await authority.create('mail')
    const { certificate, key } = await authority.issue(['smtp.example.org'])
    await copyFile(certificate, join(mail, 'certificate'))
    await copyFile(key, join(mail, 'key'))
    await writeFile(join(mail, 'user'), 'pacs-alerts@example.org')
    await writeFile(join(mail, 'password'), PASSWORD)
    await tools.startReceivers(join(folder, 'messages.jsonl'), '587', '8800', mail)
    return authority.certificate
  }

  const heard = async () =>
    (await readFile(join(folder, 'messages.jsonl'), 'utf8').catch(() => ''))
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => heardSchema.parse(JSON.parse(line)))
  const mailAbout = async (alert: string) =>
    (await heard()).find(({ by, text }) => by === 'mail' && text.includes(`] ${alert} (`))

  async function post(lines: readonly string[]): Promise<void> {
    const file = join(folder, 'post.sh')
    await writeFile(file, `${lines.join('\n')}\n`)
    await tools.script(file)
  }

  test.each(Object.entries(HIDES))('hides behind %s what follows from it, and nothing else', async (cause, hides) => {
    const { line } = all.find(({ alert }) => alert === cause) ?? expect.fail(`no alert is called ${cause}`)
    const others = all.filter(({ alert }) => Object.keys(HIDES).includes(alert) && hides.split(' ').includes(alert))
    // A consequence that hides others itself is there only while its cause is.
    await post([line(), ...others.map((one) => one.line())])
    const hidden = await query('--inhibited')
    expect(namesOf(hidden)).toEqual(hides.split(' '))
    const active = await query('--active')
    expect(active.filter(({ labels }) => labels.alertname === cause)).toHaveLength(1)
    // What two of them hide is said to be hidden by one.
    const causes = new Set([cause, ...others.map(({ alert }) => alert)])
    const hiding = [...active, ...hidden]
      .filter(({ labels }) => causes.has(labels.alertname))
      .map((one) => one.fingerprint)
    for (const one of hidden)
      expect(hiding, one.labels.alertname).toEqual(expect.arrayContaining(one.status.inhibitedBy))
    const over = `--end=${new Date().toISOString()}`
    await post([line(over), ...others.map((one) => one.line(over))])
    expect(await query('--inhibited')).toEqual([])
  })

  test('hides nothing of security and compliance while every cause is there, and no other disk', async () => {
    await post(all.map(({ line }) => line()))
    const filling = all.find(({ alert }) => alert === 'DiskFillingUp')?.line()
    await post([filling?.replace('mountpoint=/ ', 'mountpoint=/other ') ?? ''])
    const hidden = await query('--inhibited')
    expect(namesOf(hidden)).toEqual([...new Set(Object.values(HIDES).flatMap((some) => some.split(' ')))].toSorted())
    expect(hidden.filter(({ labels }) => /^(security|compliance)$/.test(labels.category))).toEqual([])
    expect(hidden.map(({ labels }) => labels.mountpoint)).not.toContain('/other')
  })

  test('sends mail by TLS only and by its login, to those whom an alert is for', async () => {
    const kinds = [
      ['critical', 'availability', 'pacs-on-call@example.org'],
      ['warning', 'capacity', 'pacs-team@example.org'],
      ['warning', 'security', 'pacs-on-call@example.org'],
      ['critical', 'compliance', 'pacs-compliance@example.org'],
    ] as const
    const add = (alert: string, severity: string, category: string) =>
      `amtool alert add ${url} alertname=${alert} severity=${severity} category=${category}`
    await post(kinds.map(([severity, category]) => add(`Mail-${category}`, severity, category)))
    for (const [severity, category, to] of kinds) {
      const found = await waitFor(`a mail about ${category}`, () => mailAbout(`Mail-${category}`), 120_000)
      expect(found.to).toEqual([to])
      expect(found.text).toMatch(
        new RegExp(`^Subject: \\[FIRING ${severity}\\] Mail-${category} \\(${category}\\)$`, 'm'),
      )
    }

    // A password that the mail server does not take: Alertmanager counts it, and what was to be sent is sent once it is mended.
    await writeFile(join(folder, 'mail/password'), 'another')
    await post([add('Mail-refused', 'critical', 'availability')])
    const failed = /^alertmanager_notifications_failed_total\{[^}]*integration="email"[^}]*\} [1-9]/m
    await waitFor('a failure to be counted', async () => failed.test(await tools.metrics()), 120_000)
    expect((await heard()).some(({ by, text }) => by === 'refusal' && text.includes('pacs-alerts@example.org'))).toBe(
      true,
    )
    expect(await mailAbout('Mail-refused')).toBeUndefined()
    await writeFile(join(folder, 'mail/password'), PASSWORD)
    await waitFor('the mail after all', () => mailAbout('Mail-refused'), 120_000)
  })
})
