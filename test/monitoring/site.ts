// The shipped monitoring beside the shipped stack on a server without an agent, with receivers that keep what Alertmanager sends.
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { sendImage } from '../dicom/send.ts'
import { syntheticImage } from '../dicom/synthetic-image.ts'
import { docker, ensureVendorImage, type Lab, type Machine, Progress, waitFor } from '../lab/index.ts'
import { imagesOfCompose } from '../lab/vendor-images.ts'
import { people } from '../site/users.ts'
import { compose, route } from '../stack/standalone.ts'
import { logIn, visit } from '../stack/visit.ts'
import { backupFigures } from './backup-figures.ts'

const STACK = '/srv/pacs/deployment/production'
const KEPT = '/srv/messages.jsonl'
/** Where the server has the Node that an agent would bring. */
export const NODE = '/srv/node'

const message = z.discriminatedUnion('by', [
  z.object({ by: z.literal('mail'), at: z.number(), to: z.array(z.string()), text: z.string() }),
  z.object({
    by: z.literal('web'),
    at: z.number(),
    to: z.string(),
    alerts: z.array(z.object({ alert: z.string(), status: z.string(), startsAt: z.string() })),
  }),
])
export type Message = z.infer<typeof message>

const answerOf = <T extends z.ZodType>(data: T) => z.object({ status: z.literal('success'), data })
const samples = answerOf(z.object({ result: z.array(z.object({ metric: z.record(z.string(), z.string()) })) }))
const seriesAnswer = answerOf(z.array(z.record(z.string(), z.string())))

/** Brings stack and monitoring up on `server`, whose deployment is laid down, configured and built. */
export async function startMonitoring(server: Machine): Promise<void> {
  await loadImages(server)
  await server.copyIn(process.execPath, NODE, 0o755)
  for (const [name, url] of RECEIVER_URLS) await server.copyIn(Buffer.from(url), `${STACK}/secrets/${name}`)
  await server.copyIn(Buffer.from('not asked for'), `${STACK}/secrets/alertmanager-smtp-password`)
  // A person sets the mail server; the lab's has no certificate, and Go gives no password to such a one.
  const edits =
    's/smtp.example.org:587/receivers:2525/; s/smtp_require_tls: true/smtp_require_tls: false/; /smtp_auth/d'
  await server.run(['sed', '-i', edits, `${STACK}/monitoring/alertmanager.yml`])
  await compose(server, ['--profile', 'monitoring', 'up', '--detach', '--wait'])
  await startReceivers(server, 'localhost/pacs/backend:local')
}

/** Starts what keeps the messages of Alertmanager, which knows it as `receivers`. @param image one with Node */
export async function startReceivers(server: Machine, image: string): Promise<void> {
  await server.copyIn(await readFile(join(import.meta.dirname, 'receivers.mjs')), '/srv/receivers.mjs')
  const where = ['--detach', '--name', 'receivers', '--network', 'pacs-ops', '--volume', '/srv:/srv', '--user', '0']
  await server.run(['docker', 'run', ...where, image, 'node', '/srv/receivers.mjs', KEPT, '2525', '8800'])
}

/** The addresses that a person gives for each receiver that has one. */
export const RECEIVER_URLS = ['critical', 'security', 'compliance', 'watchdog'].map(
  (receiver) => [`alertmanager-${receiver}-url`, `http://receivers:8800/${receiver}`] as const,
)

/** Brings the images of the profile `monitoring` to `server`, whose engine has no other way to them. */
export async function loadImages(server: Machine): Promise<void> {
  const names = imagesOfCompose(
    await readFile(join(import.meta.dirname, '../../deployment/production/docker-compose.prod.yml'), 'utf8'),
    'monitoring',
  )
  const folder = await mkdtemp(join(tmpdir(), 'pacs-images-'))
  try {
    const loaded = new Set<string>()
    for (const name of names) {
      const { image } = await ensureVendorImage(name, new Progress(undefined, 'monitoring'))
      if (!loaded.has(image)) {
        await docker(['save', '--output', join(folder, 'image.tar'), image])
        await server.copyIn(join(folder, 'image.tar'), '/srv/image.tar')
        await server.run(['docker', 'load', '--input', '/srv/image.tar'])
        loaded.add(image)
      }
      if (image !== name) await server.run(['docker', 'tag', image, name])
    }
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** What a day brings: log-ins, a finding, a signed report, an export, a verified trail, an image, a backup. */
export async function work(lab: Lab, server: Machine): Promise<void> {
  await route(lab, server, { frontend: 'pacs-standalone-frontend-1', backend: 'pacs-standalone-backend-1' })
  await waitFor(
    'the API through Traefik',
    async () => (await visit(lab, server, '/api/health')).status === 200,
    120_000,
  )
  const image = syntheticImage()
  await sendImage(image, { host: '127.0.0.1', port: server.port(4242), called: 'PACS', calling: 'CT1' })
  const session = await logIn(lab, server)
  const ask = async (path: string, body?: unknown, method?: 'PUT') =>
    visit(lab, server, path, {
      session,
      ...(body === undefined ? {} : { body }),
      ...(method === undefined ? {} : { method }),
    })
  const study = image.studyInstanceUid
  const finding = { study, severity: 'critical', finding: 'synthetic', recipient: 'john' }
  const { id } = z
    .object({ id: z.string() })
    .parse(JSON.parse((await ask('/api/notifications', finding)).body.toString()))
  await ask(`/api/notifications/${id}/acknowledge`, {})
  await ask(`/api/studies/${study}/report`, { text: 'synthetic', base: 0 }, 'PUT')
  await ask(`/api/studies/${study}/report/sign`, { version: 1, meaning: 'author', password: people.jane.password })
  await ask(`/api/studies/${study}/report`)
  const queued = await ask('/api/exports', { studies: [study] })
  const { id: exported } = z.object({ id: z.string() }).parse(JSON.parse(queued.body.toString()))
  await ask(`/api/exports/${exported}/archive`)
  // Callers that leave before their answer: a password takes a while to be judged.
  for (const patience of ['0.05', '0.1', '0.2', '0.4']) {
    const body = JSON.stringify({ name: 'nobody', password: 'nothing' })
    const to = ['-H', 'content-type: application/json', '-d', body, 'https://127.0.0.1/api/session']
    await server.exec(['curl', '-sk', '--max-time', patience, ...to])
  }
  await visit(lab, server, '/api/session', { session, method: 'DELETE' })
  await visit(lab, server, '/api/audit/verification', { session: await logIn(lab, server, 'alan') })
  for (const [name, content] of Object.entries(backupFigures(new Date()))) {
    await server.copyIn(Buffer.from(content), `${STACK}/monitoring/textfile/${name}`)
  }
  await examine(server)
}

/** As its timer does: the health check leaves its findings, and the figures of containers, to the node exporter. */
export async function examine(server: Machine): Promise<void> {
  const into = ['--format', 'prometheus', '--output', 'textfile/health.prom', '--secrets', '../secrets']
  const { code, stderr } = await server.exec([NODE, 'health-check.js', ...into], { cwd: `${STACK}/monitoring` })
  // Degraded and down are results.
  if (![0, 1, 11].includes(code)) throw new Error(`the health check ended with ${code}: ${stderr}`)
}

/** Which labels each metric had, by job, since Prometheus began. */
export async function recordedSeries(server: Machine): Promise<Record<string, Record<string, string[]>>> {
  const found = await ask(server, 'series', { 'match[]': '{__name__=~".+"}' }, seriesAnswer)
  const jobs: Record<string, Record<string, Set<string>>> = {}
  for (const { __name__: name = '', job = 'prometheus itself', ...labels } of found.data) {
    const metrics = jobs[job] ?? {}
    jobs[job] = metrics
    const known = metrics[name] ?? new Set()
    metrics[name] = known
    for (const label of Object.keys(labels)) if (label !== 'instance') known.add(label)
  }
  const sorted = <T, U>(from: Record<string, T>, value: (one: T) => U): Record<string, U> =>
    Object.fromEntries(
      Object.entries(from)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, one]) => [key, value(one)]),
    )
  return sorted(jobs, (metrics) => sorted(metrics, (labels) => [...labels].sort()))
}

/** How many series a question brings now. */
export async function answers(server: Machine, query: string): Promise<number> {
  return (await ask(server, 'query', { query }, samples)).data.result.length
}

/** The values of a label in what a question brings now. */
export async function valuesOf(server: Machine, query: string, label: string): Promise<string[]> {
  const { result } = (await ask(server, 'query', { query }, samples)).data
  return [...new Set(result.map(({ metric }) => metric[label] ?? ''))].toSorted()
}

/** What the receivers have got so far. */
export async function messages(server: Machine): Promise<Message[]> {
  const { stdout } = await server.exec(['cat', KEPT])
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => message.parse(JSON.parse(line)))
}

async function ask<T extends z.ZodType>(
  server: Machine,
  what: string,
  form: Record<string, string>,
  schema: T,
): Promise<z.infer<T>> {
  const fields = Object.entries(form).flatMap(([name, value]) => ['--data-urlencode', `${name}=${value}`])
  const text = await server.run(['curl', '-sS', '-G', `http://127.0.0.1:9090/api/v1/${what}`, ...fields])
  return schema.parse(JSON.parse(text))
}
