// What the health check says of a real service that somebody set up wrongly.
import { randomBytes } from 'node:crypto'
import { afterAll, expect, test } from 'vitest'
import { askMongodb } from '../../src/health/protocols/mongodb.ts'
import {
  addressOf,
  docker,
  ensureEngine,
  ensureVendorImage,
  LAB_LABEL,
  Progress,
  removeLab,
  startDatabase,
  waitFor,
} from '../lab/index.ts'

const name = `pacs-lab-health-${randomBytes(4).toString('hex')}`

afterAll(() => removeLab(name))

const askedAt = (host: string, port = 27017) => askMongodb({ host, port }, AbortSignal.timeout(10_000))

test('a MongoDB that wants a login is well', async () => {
  await using database = await startDatabase()
  const finding = await askedAt(database.host, database.port)
  expect(finding).toMatchObject({ ok: true, detail: expect.stringMatching(/^writable/) })
})

test('one that was started without is down, though it takes writes: it lets anyone in', async () => {
  const progress = new Progress()
  await ensureEngine(progress)
  const { image } = await ensureVendorImage('mongo:8.0', progress)
  const mongod = ['mongod', '--bind_ip_all']
  await docker(['run', '--detach', '--name', name, '--label', `${LAB_LABEL}=${name}`, '--init', image, ...mongod])
  const host = await addressOf(name)
  const finding = await waitFor('an answer', () => askedAt(host), 60_000)
  expect(finding).toEqual({ ok: false, detail: 'lets anyone in without a login' })
})
