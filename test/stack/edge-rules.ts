// What the public entry of the shipped stack lets through, refuses and adds, route by route.
import { beforeAll, describe, expect, test } from 'vitest'
import { PART_HEAD, STOW_TYPE, stowBody } from '../dicom/stow.ts'
import { syntheticImage } from '../dicom/synthetic-image.ts'
import { docker, type Lab, type Machine, waitFor } from '../lab/index.ts'
import { people } from '../site/users.ts'
import { ask, cutUpload, isOpen, type Reply, shake } from './edge-client.ts'
import { compose } from './standalone.ts'
import { logIn, type Session } from './visit.ts'

const CONTAINERS = ['traefik', 'backend', 'orthanc'].map((name) => `pacs-standalone-${name}-1`)

const SECURE: Readonly<Record<string, string>> = {
  'strict-transport-security': 'max-age=63072000',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  'x-frame-options': 'DENY',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
  'cross-origin-resource-policy': 'same-origin',
}

/** @param place the stack, once it runs, and a study that it has */
export function describeEdge(place: () => { lab: Lab; server: Machine; study: string }): void {
  let lab: Lab
  let server: Machine
  let study: string
  let session: Session
  let asset: string
  let auditor: Promise<Session>

  beforeAll(async () => {
    ;({ lab, server, study } = place())
    session = await logIn(lab, server)
    auditor = logIn(lab, server, 'alan')
    asset = /"(\/assets\/[^"]+\.js)"/.exec((await ask(lab, server, '/')).body.toString())?.[1] ?? ''
  })

  const api = (path: string, body: unknown) =>
    ask(lab, server, path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', cookie: session.cookie, 'x-csrf-token': session.csrfToken },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
  const image = () => ask(lab, server, `/api/studies/${study}/rendered`, { headers: { cookie: session.cookie } })

  describe('the public entry', () => {
    test('gives every kind of answer its security headers, each once', async () => {
      // A route of Traefik's to nobody, for an error of its own.
      const dead = {
        http: {
          routers: { dead: { rule: 'Path(`/nobody/serves/this`)', service: 'dead', middlewares: ['secure', 'page'] } },
          services: { dead: { loadBalancer: { servers: [{ url: 'http://127.0.0.1:9' }] } } },
        },
      }
      const folder = '/srv/pacs/deployment/production/traefik/dynamic'
      await server.copyIn(Buffer.from(JSON.stringify(dead)), `${folder}/dead.yml`)
      await waitFor(
        'the dead route',
        async () => (await ask(lab, server, '/nobody/serves/this')).status === 502,
        20_000,
      )
      const kinds: [string, number, 'page' | 'api', Promise<Reply>][] = [
        ['the page', 200, 'page', ask(lab, server, '/worklist')],
        ['an asset', 200, 'page', ask(lab, server, asset)],
        ['a missing asset', 404, 'page', ask(lab, server, '/assets/gone.js')],
        ['a probe', 404, 'page', ask(lab, server, '/health/ready')],
        ["Traefik's own error", 502, 'page', ask(lab, server, '/nobody/serves/this')],
        ['the API', 200, 'api', ask(lab, server, '/api/version')],
        ['an image', 200, 'api', image()],
        ['no log-in', 401, 'api', ask(lab, server, '/api/studies')],
        ['too large a body', 413, 'api', api('/api/session', `{"name":"${'x'.repeat(5000)}"}`)],
      ]
      for (const [what, status, policy, asked] of kinds) {
        const reply = await asked
        expect(reply.status, what).toBe(status)
        for (const [name, value] of Object.entries(SECURE)) expect(reply.headers.get(name), what).toEqual([value])
        const [csp, ...more] = reply.headers.get('content-security-policy') ?? []
        expect(more, what).toEqual([])
        expect(csp, what).toContain(policy === 'page' ? "script-src 'self' 'wasm-unsafe-eval'" : "default-src 'none'")
        for (const name of ['server', 'x-powered-by']) expect(reply.headers.has(name), `${what}: ${name}`).toBe(false)
      }
      await server.run(['rm', `${folder}/dead.yml`])
    })

    test('sends assets packed, and to pages of other origins too', async () => {
      const { headers, status } = await ask(lab, server, asset, { headers: { 'accept-encoding': 'gzip' } })
      expect(status).toBe(200)
      expect(headers.get('content-encoding')).toEqual(['gzip'])
      expect(headers.get('vary')).toEqual(['Accept-Encoding'])
      expect(headers.get('access-control-allow-origin')).toEqual(['*'])
      expect((await ask(lab, server, '/')).headers.has('access-control-allow-origin')).toBe(false)
    })

    test('speaks TLS 1.3 only, under its own name', async () => {
      expect(await shake(lab, server)).toBe('TLSv1.3')
      await expect(shake(lab, server, { maxVersion: 'TLSv1.2' })).rejects.toThrow(/protocol version/i)
      await expect(shake(lab, server, { servername: 'other.example.org' })).rejects.toThrow()
      const { status, headers } = await ask(lab, server, '/api/version?x=1', { plain: true })
      expect(status).toBe(301)
      expect(headers.get('location')).toEqual([`https://${server.hostname}/api/version?x=1`])
    })

    test('speaks TLS 1.2 too where that is chosen, as its file says', async () => {
      const file = '/srv/pacs/deployment/production/traefik/dynamic/edge.yml'
      const shipped = await server.readText(file)
      const ciphers = ['ECDSA', 'RSA'].flatMap((key) =>
        ['AES_128_GCM_SHA256', 'AES_256_GCM_SHA384', 'CHACHA20_POLY1305_SHA256'].map(
          (cipher) => `TLS_ECDHE_${key}_WITH_${cipher}`,
        ),
      )
      const chosen = `minVersion: VersionTLS12\n      cipherSuites: [${ciphers.join(', ')}]`
      const old = () => shake(lab, server, { maxVersion: 'TLSv1.2' }).catch(() => null)
      await server.copyIn(Buffer.from(shipped.replace('minVersion: VersionTLS13', chosen)), file)
      await waitFor('TLS 1.2 to be spoken', async () => (await old()) === 'TLSv1.2', 20_000)
      // Of TLS 1.2, what has no forward secrecy stays refused.
      const weak = { maxVersion: 'TLSv1.2', ciphers: 'AES128-GCM-SHA256' } as const
      await expect(shake(lab, server, weak)).rejects.toThrow(/handshake failure/i)
      expect(await shake(lab, server)).toBe('TLSv1.3')
      await server.copyIn(Buffer.from(shipped), file)
      await waitFor('TLS 1.2 to be refused again', async () => (await old()) === null, 20_000)
    })

    test('lets one id through from answer to logs, and no id that a stranger chose', async () => {
      const reply = await ask(lab, server, '/api/version', { headers: { 'x-request-id': 'chosen-outside' } })
      const [id = ''] = reply.headers.get('x-request-id') ?? []
      expect(id).toMatch(/^[0-9a-f-]{36}$/)
      for (const service of ['traefik', 'backend']) {
        const logs = await waitFor(
          `the id in the log of ${service}`,
          async () => {
            const text = await compose(server, ['logs', '--no-color', service])
            return text.includes(id) && text
          },
          20_000,
        )
        expect(logs).not.toContain('chosen-outside')
      }
    })

    test('leads to nothing but the page and the API', async () => {
      const page = (await ask(lab, server, '/')).body
      for (const path of ['/metrics', '/app/explorer.html', '/instances', '/dicom-web/studies', '/dashboard/']) {
        const reply = await ask(lab, server, path)
        expect(reply.body.equals(page), path).toBe(true)
      }
      const inspected = await docker([
        'inspect',
        '-f',
        '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}',
        server.container,
      ])
      const address = inspected.trim().split(' ')[0] ?? ''
      const open = await Promise.all(
        [80, 443, 4242, 3000, 5432, 6379, 8042, 8080, 8099, 9464, 27017].map(async (port) => ({
          port,
          open: await isOpen(address, port),
        })),
      )
      expect(open.filter((one) => one.open).map(({ port }) => port)).toEqual([80, 443, 4242])
    })

    test('asks the log-in for words: an operator of the database is none', async () => {
      for (const body of [
        { name: { $ne: null }, password: { $ne: null } },
        { name: 'jane', password: { $gt: '' } },
        { name: ['jane'], password: 'x' },
        'name[$ne]=x&password[$ne]=x',
      ]) {
        const reply = await api('/api/session', body)
        expect(reply.status, JSON.stringify(body)).toBe(400)
        expect(reply.headers.has('set-cookie')).toBe(false)
      }
    })
  })

  describe('DICOMweb', () => {
    const store = (body: Buffer, who: Session) =>
      ask(lab, server, '/api/dicom-web/studies', {
        method: 'POST',
        headers: { 'content-type': STOW_TYPE, cookie: who.cookie, 'x-csrf-token': who.csrfToken },
        body,
      })

    test('stores for a radiologist only, and shows what was stored', async () => {
      const image = syntheticImage('STOWED^PATIENT', 'STOW-1')
      const body = await stowBody(image)
      expect((await store(body, await logIn(lab, server, 'john'))).status).toBe(403)
      const stored = await store(body, session)
      expect(stored.status, stored.body.toString().slice(0, 300)).toBe(200)
      const path = `/api/dicom-web/studies/${image.studyInstanceUid}`
      const cookie = { cookie: session.cookie, accept: 'application/dicom+json' }
      const metadata = await ask(lab, server, `${path}/metadata`, { headers: cookie })
      expect(metadata.status).toBe(200)
      expect(metadata.body.toString()).toContain(image.sopInstanceUid)
      for (const [headers, status] of [
        [{ cookie: (await auditor).cookie }, 403],
        [{}, 401],
      ] as const) {
        expect((await ask(lab, server, `${path}/metadata`, { headers })).status).toBe(status)
      }
    })

    test('takes 64 MB of an upload, and stores nothing of one that is cut', async () => {
      const started = () =>
        server.run(['docker', 'inspect', '-f', '{{.State.StartedAt}} {{.RestartCount}}', ...CONTAINERS])
      const before = [await started(), await studies()]
      await cutUpload(
        lab,
        server,
        '/api/dicom-web/studies',
        { 'content-type': STOW_TYPE, cookie: session.cookie, 'x-csrf-token': session.csrfToken },
        { head: PART_HEAD, bytes: 64 * 1_048_576 },
      )
      await waitFor(
        'the failure in the audit trail',
        async () => {
          const trail = await ask(lab, server, '/api/audit', { headers: { cookie: (await auditor).cookie } })
          return /"study.store"[^}]*"failure"/.test(trail.body.toString())
        },
        30_000,
      )
      expect([await started(), await studies()]).toEqual(before)
    })

    const studies = async () =>
      (
        await ask(lab, server, '/api/dicom-web/studies?limit=100', { headers: { cookie: session.cookie } })
      ).body.toString()
  })

  describe("Orthanc's user for Prometheus", () => {
    test('reads figures and no patient', async () => {
      const password = (
        await server.readText('/srv/pacs/deployment/production/secrets/orthanc-metrics-password')
      ).trim()
      const login = `Basic ${Buffer.from(`metrics:${password}`).toString('base64')}`
      const paths = [
        '/tools/metrics-prometheus',
        '/patients',
        '/tools/metrics-prometheus/../../patients',
        '/dicom-web/studies',
      ]
      const program = `
        const { request } = require('node:http')
        const status = (path, headers) => new Promise((resolve, reject) =>
          request('http://orthanc:8042', { path, headers }, (answer) => resolve(answer.resume().statusCode)).on('error', reject).end())
        Promise.all([...${JSON.stringify(paths)}.map((path) => status(path, { authorization: process.env.LOGIN })), status('/patients', {})])
          .then((all) => console.log(all.join(' ')))`
      const run = ['exec', '-T', '-e', `LOGIN=${login}`, 'backend', 'node', '-e', program]
      expect(await compose(server, run)).toMatch(/^200 403 40[34] 403 401$/)
    })
  })

  describe('a database', () => {
    test('reaches nobody outside its networks, while what has a way out does', async () => {
      const listening = await docker([
        'inspect',
        '-f',
        '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}',
        lab.registry.container,
      ])
      const address = listening.trim().split(' ')[0] ?? ''
      const connect = `timeout 5 bash -c ': </dev/tcp/${address}/5000'`
      const tried = async (service: string) =>
        (await server.exec(['docker', 'exec', `pacs-standalone-${service}-1`, 'bash', '-c', connect])).code
      expect(await tried('orthanc')).toBe(0)
      for (const code of await Promise.all(['mongodb', 'redis', 'postgres'].map(tried)))
        expect([1, 124]).toContain(code)
      // Its port on the loopback address answers all the same: to a "hello" with a message, whose header is 16 bytes.
      const hello = String.raw`\x34\0\0\0\1\0\0\0\0\0\0\0\xdd\x07\0\0\0\0\0\0\0\x1f\0\0\0\x10hello\0\1\0\0\0\x02$db\0\x06\0\0\0admin\0\0`
      const speak = `exec 3<>/dev/tcp/127.0.0.1/27017; printf '${hello}' >&3; timeout 5 head -c 16 <&3 | wc -c`
      expect(await server.run(['bash', '-c', speak])).toBe('16')
    })

    test('answers nobody who has not logged in', async () => {
      const program = `
        const { MongoClient } = require('mongodb')
        const client = new MongoClient('mongodb://mongodb:27017/pacs?directConnection=true', { serverSelectionTimeoutMS: 5000 })
        client.db().collection('sessions').findOne({})
          .then(() => console.log('read'), (error) => console.log('code', error.code))
          .finally(() => process.exit())`
      expect(await compose(server, ['exec', '-T', 'backend', 'node', '-e', program])).toBe('code 13')
      const said = await compose(server, ['exec', '-T', 'redis', 'redis-cli', 'get', 'pacs:x'])
      expect(said).toContain('NOAUTH')
      // By its name, as Orthanc asks it: inside its container it trusts its own loopback address.
      const ask = [
        'exec',
        'pacs-standalone-postgres-1',
        'psql',
        '-w',
        '-h',
        'postgres',
        '-U',
        'orthanc',
        '-c',
        'select 1',
      ]
      expect(await server.exec(['docker', ...ask])).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('no password supplied'),
      })
    })

    test('is not even found from where strangers talk', async () => {
      const search = async (service: string) =>
        server.exec(['docker', 'exec', `pacs-standalone-${service}-1`, 'getent', 'hosts', 'mongodb', 'redis'])
      for (const found of await Promise.all(['frontend', 'orthanc', 'traefik'].map(search))) {
        expect(found.code, found.stdout).not.toBe(0)
      }
    })
  })

  describe('exports', () => {
    test('are limited by session: one that asks too often waits, another does not', async () => {
      const eager = await logIn(lab, server, 'john')
      const order = (who: Session, body: unknown) =>
        ask(lab, server, '/api/exports', {
          method: 'POST',
          headers: { 'content-type': 'application/json', cookie: who.cookie, 'x-csrf-token': who.csrfToken },
          body: JSON.stringify(body),
        })
      // Nothing to export: what the edge counts is that it was asked.
      const asked = await Promise.all(Array.from({ length: 60 }, () => order(eager, { studies: [] })))
      const statuses = asked.map(({ status }) => status)
      expect(statuses.filter((status) => ![400, 429].includes(status))).toEqual([])
      expect(statuses.filter((status) => status === 400).length).toBeGreaterThanOrEqual(20)
      expect(statuses).toContain(429)
      expect((await order(session, { studies: [study] })).status).toBe(201)
    })
  })

  describe('a storm of log-ins from one address', () => {
    test('is cut short, however it writes the path, while somebody behind the same address reads images', async () => {
      const attempt = (path: string) => api(path, { name: 'nobody', password: 'guess' })
      const paths = ['/api/session', '/api/session/', '/api/SESSION', '/api/x/../session', '/api/session?again']
      let over = false
      const metadata = () =>
        ask(lab, server, `/api/dicom-web/studies/${study}/metadata`, {
          headers: { cookie: session.cookie, accept: 'application/dicom+json' },
        })
      const reading = (async () => {
        const seen: number[] = []
        while (!over || seen.length < 20) seen.push((await image()).status, (await metadata()).status)
        return seen
      })()
      const storm = await Promise.all(
        Array.from({ length: 300 }, (_, index) => attempt(paths[index % paths.length] ?? '')),
      )
      over = true
      const refused = storm.filter(({ status }) => status === 429)
      expect(refused.length).toBeGreaterThanOrEqual(100)
      for (const { headers } of refused) expect(headers.get('x-content-type-options')).toEqual(['nosniff'])
      // 503: the API counts itself too busy for one more.
      expect(storm.filter(({ status }) => ![401, 429, 503].includes(status))).toEqual([])
      expect(new Set(await reading)).toEqual(new Set([200]))
      // The edge lets this address in again by itself.
      const { name, password } = people.john
      await waitFor(
        'a log-in after the storm',
        async () => (await api('/api/session', { name, password })).status === 201,
        30_000,
      )
    })
  })
}
