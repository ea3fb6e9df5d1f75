// The shipped stack without an agent, on a bare engine, as a person on a laptop runs it.
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { sendImage } from '../dicom/send.ts'
import { syntheticImage } from '../dicom/synthetic-image.ts'
import { freeze, type Lab, type Machine, startLab, waitFor } from '../lab/index.ts'
import { Counter } from '../load/counter.ts'
import type { ServerSecrets } from '../site/make-secrets.ts'
import { describeCertificates } from '../stack/edge-certificates.ts'
import { describeEdge } from '../stack/edge-rules.ts'
import { build, compose, configure, copyDeployment, route } from '../stack/standalone.ts'
import { logIn, type Session, visit } from '../stack/visit.ts'
import { describeWorkingDay } from '../stack/working-day.ts'

const COMMIT = 'c0ffee0000000000000000000000000000000001'
const OLD = { frontend: 'pacs-standalone-frontend-1', backend: 'pacs-standalone-backend-1' }
const image = syntheticImage('MARIGOLD^PATIENT', 'MARIGOLD-ID')
const studies = z.object({ studies: z.array(z.object({ studyInstanceUid: z.string(), patientName: z.string() })) })
const problem = z.object({ error: z.string() })

let lab: Lab
let server: Machine
let secrets: ServerSecrets
let session: Session | undefined

beforeAll(async () => {
  lab = await startLab({ servers: ['staging'], runner: false })
  server = lab.server('staging')
  await copyDeployment(server)
  secrets = await configure(server)
  const built = await Promise.all((['backend', 'frontend'] as const).map((service) => build(server, service, COMMIT)))
  for (const { code, stderr } of built) expect(code, stderr).toBe(0)
  await compose(server, ['up', '--detach'])
  await route(lab, server, OLD)
  await waitFor('the API and all that it needs', async () => (await get('/api/health')).status === 200, 120_000)
  session = await logIn(lab, server)
})

afterAll(() => lab?.down())

const get = (path: string) => visit(lab, server, path, { session })

function archive(calling: string) {
  return { host: '127.0.0.1', port: server.port(4242), called: 'PACS', calling }
}

describe('the page', () => {
  test('is never kept, while its assets are kept for ever, under the commit of the build', async () => {
    const page = await get('/')
    expect(page.status).toBe(200)
    expect(page.headers['cache-control']).toBe('no-cache')
    const assets = [...page.body.toString().matchAll(/"(\/assets\/[^"]+)"/g)].map(([, path]) => path ?? '')
    expect(assets.length).toBeGreaterThanOrEqual(2)
    for (const path of assets) {
      expect(path.startsWith(`/assets/${COMMIT}/`)).toBe(true)
      const asset = await get(path)
      expect(asset.status).toBe(200)
      expect(asset.headers['cache-control']).toBe('public, max-age=31536000, immutable')
    }
  })

  test('answers for every path of its own, and never for an asset or a probe that is not there', async () => {
    expect((await get('/worklist/today')).body.toString()).toContain('<div id="root">')
    for (const path of ['/assets/gone/index.js', '/assets/', '/health/ready']) {
      const answer = await get(path)
      expect(answer.status, path).toBeGreaterThanOrEqual(403)
      expect(answer.headers['cache-control'], path).not.toContain('immutable')
      expect(answer.body.toString(), path).not.toContain('<div id="root">')
    }
  })
})

test('a page that is built for a CDN asks for its assets there', async () => {
  const cdn = 'https://cdn.example.org/'
  const built = await build(server, 'frontend', COMMIT, { tag: 'cdn', args: [`ASSETS_BASE=${cdn}`] })
  expect(built.code, built.stderr).toBe(0)
  const read = ['docker', 'run', '--rm', '--entrypoint', 'cat', 'localhost/pacs/frontend:cdn']
  const page = await server.run([...read, '/usr/share/nginx/html/index.html'])
  const links = [...page.matchAll(/ (?:src|href)="([^"]*)"/g)].map(([, link]) => link ?? '')
  const assets = links.filter((link) => !link.startsWith('data:'))
  expect(assets.length).toBeGreaterThanOrEqual(2)
  for (const link of assets) expect(link.startsWith(`${cdn}assets/${COMMIT}/`), link).toBe(true)
})

describe('an image', () => {
  test('from an unknown modality is refused', async () => {
    await expect(sendImage(syntheticImage(), archive('STRANGER'))).rejects.toThrow('refused the association')
  })

  test('for an archive of another name is refused', async () => {
    const other = { ...archive('CT1'), called: 'OTHER' }
    await expect(sendImage(syntheticImage(), other)).rejects.toThrow('refused the association')
  })

  test('from a known modality is found, listed and drawn', async () => {
    await sendImage(image, archive('CT1'))
    const listed = studies.parse(JSON.parse((await get('/api/studies')).body.toString()))
    expect(listed.studies.map((study) => study.studyInstanceUid)).toContain(image.studyInstanceUid)
    const search = await visit(lab, server, '/api/studies/search', { body: { patientName: 'marigold' }, session })
    expect(studies.parse(JSON.parse(search.body.toString())).studies).toMatchObject([
      { studyInstanceUid: image.studyInstanceUid, patientName: 'MARIGOLD, PATIENT' },
    ])
    const rendered = await get(`/api/studies/${image.studyInstanceUid}/rendered`)
    expect(rendered.headers['content-type']).toBe('image/jpeg')
    expect(rendered.body.subarray(0, 3)).toEqual(Buffer.from([0xff, 0xd8, 0xff]))
    expect(rendered.body.length).toBeGreaterThan(1000)
  })

  test('stands in the journal, as all that the services say, by the name of the service', async () => {
    const kept = (service: string) => server.run(['journalctl', '--no-pager', '-o', 'cat', '-t', service])
    await waitFor(
      'the request in the journal',
      async () => /"route":"\/api\/studies"/.test(await kept('backend')),
      10_000,
    )
    const services = (await compose(server, ['ps', '--services'])).split('\n')
    for (const service of services) expect(await kept(service), service).not.toBe('')
  })

  test('and a search for it leave no name, id, term or password in any log', async () => {
    // What a viewer would have in its address, and what the page asks the API for.
    await get(`/viewer/${image.studyInstanceUid}`)
    await get(`/api/studies/${image.studyInstanceUid}/report`)
    const last = (await get('/api/studies?limit=17')).headers['x-request-id']
    expect(last).toMatch(/^[0-9a-f-]{36}$/)
    const logs = await waitFor(
      'the last request in the log of Traefik and of the API',
      async () => {
        const text = await compose(server, ['logs', '--no-color'])
        return text.split(String(last)).length > 2 && text
      },
      10_000,
    )
    const { cookie = '', csrfToken = '' } = session ?? {}
    const sessionId = cookie.split('=')[1] ?? ''
    expect(sessionId).toHaveLength(43)
    const identifying = ['MARIGOLD', 'marigold', 'limit=17', image.studyInstanceUid, image.sopInstanceUid]
    for (const secret of [...identifying, sessionId, csrfToken, ...Object.values(secrets)]) {
      // The line, not all of them.
      expect(logs.split('\n').find((line) => line.includes(secret))).toBeUndefined()
    }
  })
})

describe('each container', () => {
  const inspected = z.array(
    z.object({
      Name: z.string(),
      Config: z.object({ User: z.string() }),
      HostConfig: z.object({
        ReadonlyRootfs: z.boolean(),
        CapDrop: z.array(z.string()),
        SecurityOpt: z.array(z.string()),
        Memory: z.number(),
        PidsLimit: z.number(),
      }),
      State: z.object({ Health: z.object({ Status: z.string() }) }),
    }),
  )

  test('is healthy without root, capabilities, a writable root or unbounded memory and processes', async () => {
    const containers = await waitFor(
      'every container to be healthy',
      async () => {
        const ids = (await compose(server, ['ps', '--quiet'])).split('\n')
        const found = inspected.parse(JSON.parse(await server.run(['docker', 'inspect', ...ids])))
        const ill = found.filter((container) => container.State.Health.Status !== 'healthy')
        if (ill.length > 0) throw new Error(ill.map(({ Name, State }) => `${Name}: ${State.Health.Status}`).join(', '))
        return found
      },
      60_000,
    )
    expect(containers).toHaveLength(7)
    for (const { Name, Config, HostConfig } of containers) {
      expect(Config.User, Name).toMatch(/^[1-9]\d*:[1-9]\d*$/)
      expect(HostConfig, Name).toMatchObject({ ReadonlyRootfs: true, CapDrop: ['ALL'] })
      expect(HostConfig.SecurityOpt, Name).toContain('no-new-privileges:true')
      expect(HostConfig.Memory, Name).toBeGreaterThan(0)
      expect(HostConfig.PidsLimit, Name).toBeGreaterThan(0)
    }
  })
})

describeWorkingDay(() => ({ lab, server, study: image.studyInstanceUid }))

describeEdge(() => ({ lab, server, study: image.studyInstanceUid }))

describeCertificates(() => server)

describe('when Orthanc is away', () => {
  // Not a list that the cache may still have.
  const list = '/api/studies?limit=23'

  test('the API says so with 503, and serves again by itself', async () => {
    await compose(server, ['stop', 'orthanc'])
    const away = await get(list)
    expect(away.status).toBe(503)
    expect(problem.parse(JSON.parse(away.body.toString())).error).toContain('Orthanc')
    for (const path of ['/api/version', '/api/notifications', `/api/studies/${image.studyInstanceUid}/report`]) {
      expect((await get(path)).status, path).toBe(200)
    }
    await compose(server, ['start', 'orthanc'])
    await waitFor('studies again', async () => (await get(list)).status === 200, 60_000)
    const listed = studies.parse(JSON.parse((await get(list)).body.toString()))
    expect(listed.studies.map((study) => study.studyInstanceUid)).toContain(image.studyInstanceUid)
  })
})

describe('a graceful stop', () => {
  const exitCode = (name: string) => server.run(['docker', 'inspect', '-f', '{{.State.ExitCode}}', name])

  test('finishes the request that runs', async () => {
    await freeze(() => compose(server, ['pause', 'orthanc']))
    const running = get('/api/studies?limit=29')
    await waitFor(
      'the request to be in flight',
      async () => (await metrics(OLD.backend)).includes('pacs_http_requests_in_flight 1'),
      10_000,
    )
    const stopped = compose(server, ['stop', 'backend'])
    await waitFor(
      'the backend to be stopping',
      async () => (await server.run(['docker', 'logs', OLD.backend])).includes('"msg":"stopping"'),
      10_000,
    )
    await compose(server, ['unpause', 'orthanc'])
    expect((await running).status).toBe(200)
    await stopped
    expect(await exitCode(OLD.backend)).toBe('0')
    // Compose would wait for Orthanc's next health check first.
    await server.run(['docker', 'start', OLD.backend])
    await waitFor('the API to answer', async () => (await get('/api/studies')).status === 200, 60_000)
  })

  test('right after a switch loses no request of 16 kept connections', async () => {
    const NEW = { frontend: 'pacs-next-frontend-1', backend: 'pacs-next-backend-1' }
    await compose(server, ['-p', 'pacs-next', 'up', '--detach', '--no-deps', 'frontend', 'backend'])
    await healthy(NEW.backend)
    await healthy(NEW.frontend)
    const counter = new Counter({
      host: '127.0.0.1',
      port: server.port(443),
      servername: server.hostname,
      ca: await readFile(lab.ca, 'utf8'),
      images: [`/api/studies/${image.studyInstanceUid}/rendered`],
    })
    await waitFor('load', () => counter.sent > 500, 60_000)
    await route(lab, server, NEW)
    await waitFor(
      'Traefik to use the new routes',
      async () => (await get('/api/version')).headers['x-pacs-instance'] === NEW.backend,
      10_000,
    )
    await compose(server, ['stop', 'frontend', 'backend'])
    const { sent } = counter
    await waitFor('load on the second instance', () => counter.sent > sent + 1500, 60_000)
    const report = await counter.stop()
    expect(report.lost).toEqual([])
    expect(report.sent).toBeGreaterThanOrEqual(2000)
    expect([...report.instances.keys()].sort()).toEqual([...Object.values(NEW), ...Object.values(OLD)].sort())
    expect(await Promise.all(Object.values(OLD).map(exitCode))).toEqual(['0', '0'])
  })
})

test("a release that the app's own tests refuse becomes no image", async () => {
  await copyDeployment(server, 'caught-by-tests.patch')
  const { code, stderr } = await build(server, 'backend', COMMIT)
  expect(code).not.toBe(0)
  expect(stderr).toContain('the worklist shows studies in plain words')
})

function healthy(container: string): Promise<true> {
  const status = () => server.run(['docker', 'inspect', '-f', '{{.State.Health.Status}}', container])
  return waitFor(`${container} to be healthy`, async () => (await status()) === 'healthy', 60_000)
}

/** The backend's metrics, read inside its container: nothing publishes that port. */
function metrics(container: string): Promise<string> {
  const program = "fetch('http://127.0.0.1:9464/metrics').then(async (r) => process.stdout.write(await r.text()))"
  return server.run(['docker', 'exec', container, 'node', '-e', program])
}
