// A study of 2 GB by STOW-RS through the public entry: whole, and cut half-way. The same image again and again, so that the disk of
// the lab keeps one of it.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { STOW_TYPE, stowBody } from '../dicom/stow.ts'
import { syntheticImage } from '../dicom/synthetic-image.ts'
import { type Lab, type Machine, startLab, waitFor } from '../lab/index.ts'
import { ask, upload } from '../stack/edge-client.ts'
import { build, compose, configure, copyDeployment, route } from '../stack/standalone.ts'
import { logIn, type Session, visit } from '../stack/visit.ts'

/** 16 MiB each. */
const IMAGE = syntheticImage('LARGE^PATIENT', 'LARGE-1', { size: 4096 })
const PARTS = 128
const BOUNDARY_END = Buffer.from('--\r\n')
const APP = { frontend: 'pacs-standalone-frontend-1', backend: 'pacs-standalone-backend-1' }
const CONTAINERS = ['traefik', 'backend', 'orthanc'].map((name) => `pacs-standalone-${name}-1`)

let lab: Lab
let server: Machine
let session: Session
let part: Buffer

beforeAll(async () => {
  lab = await startLab({ servers: ['staging'], runner: false })
  server = lab.server('staging')
  await copyDeployment(server)
  await configure(server)
  for (const service of ['backend', 'frontend'] as const) {
    const { code, stderr } = await build(server, service, 'c0ffee0000000000000000000000000000000001')
    expect(code, stderr).toBe(0)
  }
  await compose(server, ['up', '--detach'])
  await route(lab, server, APP)
  await waitFor('the API', async () => (await visit(lab, server, '/api/health')).status === 200, 120_000)
  session = await logIn(lab, server)
  // Without what ends the body: the boundary that follows a part begins the next one.
  const whole = await stowBody(IMAGE)
  part = whole.subarray(0, whole.lastIndexOf('\r\n--') + 2)
})

afterAll(() => lab?.down())

const headers = () => ({ 'content-type': STOW_TYPE, cookie: session.cookie, 'x-csrf-token': session.csrfToken })
const boundary = () => part.subarray(0, part.indexOf('\r\n'))
const length = () => part.length * PARTS + boundary().length + BOUNDARY_END.length

/** Since when each container runs, and whether it was ever killed for its memory. */
const lives = () =>
  server.run([
    ...['docker', 'inspect', '-f', '{{.Name}} {{.State.StartedAt}} {{.RestartCount}} {{.State.OOMKilled}}'],
    ...CONTAINERS,
  ])

/** Bytes that Orthanc keeps. */
const kept = async () =>
  Number((await compose(server, ['exec', '-T', 'orthanc', 'du', '-sb', '/var/lib/orthanc/db'])).split('\t')[0])

test('2 GB go through to the archive, and no container is short of memory', async () => {
  expect(length()).toBeGreaterThan(2 * 1024 ** 3)
  const before = await lives()
  expect(before).not.toContain('true')
  const started = performance.now()
  const { status, text } = await upload(lab, server, '/api/dicom-web/studies', headers(), {
    length: length(),
    *blocks() {
      for (let sent = 0; sent < PARTS; sent++) yield part
      yield Buffer.concat([boundary(), BOUNDARY_END])
    },
  })
  const seconds = (performance.now() - started) / 1000
  expect(status, text.slice(0, 300)).toBe(200)
  expect(text.split(IMAGE.sopInstanceUid).length - 1).toBeGreaterThanOrEqual(PARTS)
  expect(await lives()).toBe(before)
  expect(await kept()).toBeLessThan(4 * part.length)
  process.stdout.write(`2 GB by STOW-RS: ${seconds.toFixed(1)} s, ${(length() / 1e6 / seconds).toFixed(0)} MB/s\n`)
})

test('of 2 GB that are cut half-way nothing is left that holds the archive up', async () => {
  const [before, keptBefore] = [await lives(), await kept()]
  const cut = upload(lab, server, '/api/dicom-web/studies', headers(), {
    length: length(),
    *blocks() {
      for (let sent = 0; sent < PARTS / 2; sent++) yield part
      throw new Error('the network is lost')
    },
  })
  await expect(cut).rejects.toThrow('the network is lost')
  const auditor = await logIn(lab, server, 'alan')
  await waitFor(
    'the failure in the audit trail',
    async () => {
      const trail = await ask(lab, server, '/api/audit', { headers: { cookie: auditor.cookie } })
      return /"study.store"[^}]*"failure"/.test(trail.body.toString())
    },
    60_000,
  )
  expect(await lives()).toBe(before)
  expect((await kept()) - keptBefore).toBeLessThan(part.length)
  const small = await stowBody(syntheticImage('SMALL^PATIENT', 'SMALL-1'))
  const after = await ask(lab, server, '/api/dicom-web/studies', { method: 'POST', headers: headers(), body: small })
  expect(after.status).toBe(200)
})
