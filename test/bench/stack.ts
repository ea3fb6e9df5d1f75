// The shipped stack as a whole: how long it takes to come up, what its edge costs, how long its health check takes, and how soon its alerts
// are heard of.
import { join } from 'node:path'
import { z } from 'zod'
import { Failure } from '../../src/lib/index.ts'
import { type Machine, type Progress, startLab, waitFor } from '../lab/index.ts'
import { EXPECTED, type Raised, SCRAPED_AND_EVALUATED } from '../monitoring/faults.ts'
import { timeToMessages } from '../monitoring/heard.ts'
import { NODE, startMonitoring, work } from '../monitoring/site.ts'
import { build, compose, configure, copyDeployment, route, STACK } from '../stack/standalone.ts'
import { type Measure, medianOf, rateOf } from './report.ts'

const LOADER = '/srv/load.cjs'
/** Seconds of load per figure. */
const SECONDS = 5
/** Seconds that the health check of all services may take. */
const HEALTH_LIMIT = 2
/** Per cent of an empty handler's requests per second that the metrics middleware may cost. */
const MIDDLEWARE_LIMIT = 5

const loadSchema = z.object({ failed: z.number(), rate: z.number(), p50: z.number(), p99: z.number() })
const microseconds = z.array(z.number())
const middlewareSchema = z.object({ plain: microseconds, measured: microseconds, again: microseconds })
const inspectedSchema = z.array(
  z.object({
    State: z.object({ Health: z.object({ Status: z.string() }) }),
  }),
)

/** Brings the shipped stack up on a fresh server `rounds` times, each time with empty volumes. */
export async function benchStack(rounds: number, progress: Progress): Promise<Measure[]> {
  const lab = await progress.step('start a server', () => startLab({ servers: ['staging'], runner: false }))
  try {
    const server = lab.server('staging')
    await copyDeployment(server)
    await configure(server)
    for (const service of ['backend', 'frontend'] as const) {
      const { code, stderr } = await build(server, service, 'c0ffee0000000000000000000000000000000001')
      if (code !== 0) throw new Failure('error', `the image of ${service} cannot be built: ${stderr.slice(-500)}`)
    }
    await compose(server, ['pull', '--ignore-buildable'])
    const cold: number[] = []
    for (let round = 1; round <= rounds; round++) {
      await compose(server, ['down', '--volumes'])
      const started = performance.now()
      await compose(server, ['up', '--detach'])
      await allHealthy(server)
      cold.push((performance.now() - started) / 1000)
    }
    const targets = { frontend: 'pacs-standalone-frontend-1', backend: 'pacs-standalone-backend-1' }
    await route(lab, server, targets)
    await server.copyIn(process.execPath, NODE, 0o755)
    await server.copyIn(join(import.meta.dirname, 'stack-load.js'), LOADER)
    const figures = { direct: [], edge: [] } as Record<'direct' | 'edge', z.infer<typeof loadSchema>[]>
    const address = await server.run([
      ...['docker', 'inspect', '-f', '{{(index .NetworkSettings.Networks "pacs-app").IPAddress}}', targets.backend],
    ])
    // In turns, so that what else the machine does meets both.
    for (let round = 1; round <= rounds; round++) {
      figures.direct.push(await load(server, `http://${address}:3000/api/version`))
      figures.edge.push(await load(server, `https://127.0.0.1/api/version`))
    }
    const overhead = await middleware(server)
    await startMonitoring(server)
    await work(lab, server)
    const health: number[] = []
    for (let round = 1; round <= rounds; round++) health.push(await healthCheck(server))
    const { seconds } = await progress.step('break things', () => timeToMessages(lab, server))
    const rate = (name: 'direct' | 'edge') => figures[name].map((one) => one.rate)
    const direct = medianOf('API direct, requests per second', 'requests', null, rate('direct'))
    const edge = medianOf(
      'API through Traefik, TLS and all middlewares, requests per second',
      'requests',
      null,
      rate('edge'),
    )
    return [
      medianOf('cold start to all healthy', 's', null, cold),
      direct,
      edge,
      rateOf('through Traefik over direct', null, edge, direct),
      ...(['p50', 'p99'] as const).flatMap((share) => [
        medianOf(
          `API direct, ${share}`,
          'ms',
          null,
          figures.direct.map((one) => one[share]),
        ),
        medianOf(
          `API through Traefik, ${share}`,
          'ms',
          null,
          figures.edge.map((one) => one[share]),
        ),
      ]),
      medianOf('health-check.js over all services, with the monitoring', 's', HEALTH_LIMIT, health),
      ...overhead,
      ...(Object.keys(EXPECTED) as Raised[]).map((alert) => unexplained(alert, seconds[alert])),
    ]
  } finally {
    await lab.down()
  }
}

/** An empty handler with and without the metrics middleware, in the backend's image. */
async function middleware(server: Machine): Promise<Measure[]> {
  await server.copyIn(join(import.meta.dirname, 'middleware-load.mjs'), '/srv/middleware-load.mjs')
  const said = await server.run([
    ...['docker', 'run', '--rm', '--network', 'none', '-v', '/srv/middleware-load.mjs:/app/middleware-load.mjs:ro'],
    ...['localhost/pacs/backend:local', 'node', 'middleware-load.mjs', '9', '40'],
  ])
  const { plain, measured, again } = middlewareSchema.parse(JSON.parse(said))
  // Of the requests per second of a processor, which are the inverse of its time per request.
  const lost = (times: readonly number[]) => plain.map((time, round) => (1 - time / (times[round] ?? time)) * 100)
  return [
    medianOf('empty handler, processor time per request', 'µs', null, plain),
    medianOf('the same with the metrics middleware', 'µs', null, measured),
    medianOf('what the metrics middleware costs', '%', MIDDLEWARE_LIMIT, lost(measured)),
    medianOf('what a second empty handler without it seems to cost', '%', null, lost(again)),
  ]
}

async function containers(server: Machine) {
  const ids = (await compose(server, ['ps', '--quiet'])).split('\n')
  return inspectedSchema.parse(JSON.parse(await server.run(['docker', 'inspect', ...ids])))
}

async function allHealthy(server: Machine): Promise<void> {
  await waitFor(
    'every container to be healthy',
    async () => (await containers(server)).every(({ State }) => State.Health.Status === 'healthy'),
    300_000,
  )
}

async function load(server: Machine, url: string): Promise<z.infer<typeof loadSchema>> {
  const report = loadSchema.parse(JSON.parse(await server.run([NODE, LOADER, url, server.hostname, String(SECONDS)])))
  if (report.failed > 0) throw new Failure('error', `${report.failed} requests to ${url} failed`)
  return report
}

/** What is left of the time to a message when its `for` and its group's wait are taken away: until it was scraped and evaluated. */
function unexplained(alert: Raised, seconds: number): Measure {
  const { holds, wait } = EXPECTED[alert]
  const what = `${alert}: message after ${seconds.toFixed(0)} s, beside ${holds} s for and ${wait} s group_wait`
  return medianOf(what, 's', SCRAPED_AND_EVALUATED, [seconds - holds - wait])
}

/** The shipped health check, as its timer runs it. @returns seconds of the whole process */
async function healthCheck(server: Machine): Promise<number> {
  const started = performance.now()
  const args = [NODE, 'health-check.js', '--format', 'json', '--secrets', '../secrets']
  const { code, stdout, stderr } = await server.exec(args, { cwd: `${STACK}/monitoring` })
  // The certificate of the lab and the backups that nobody takes here make it degraded.
  if (![0, 1].includes(code)) throw new Failure('error', `the health check ended with ${code}: ${stderr || stdout}`)
  return (performance.now() - started) / 1000
}
