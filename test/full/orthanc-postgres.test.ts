// Orthanc's index in PostgreSQL: the shipped stack with docker-compose.postgres.yml laid over it, without the app.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { run } from '../../src/lib/index.ts'
import { sendImages } from '../dicom/send.ts'
import { syntheticImage } from '../dicom/synthetic-image.ts'
import { ensureVendorImage, type Lab, type Machine, Progress, startLab, waitFor } from '../lab/index.ts'
import { compose, configure, copyDeployment } from '../stack/standalone.ts'

const FILES = ['-f', 'docker-compose.postgres.yml']
const IMAGES = 20

let lab: Lab
let server: Machine

beforeAll(async () => {
  const [started, { image }] = await Promise.all([
    startLab({ servers: ['staging'], runner: false }),
    ensureVendorImage('postgres:17', new Progress(undefined, 'postgres')),
  ])
  lab = started
  server = lab.server('staging')
  const env = { PATH: process.env.PATH ?? '' }
  await run(
    'sh',
    [
      '-c',
      `docker tag "$1" postgres:17 && docker save postgres:17 | docker exec -i "$2" docker load`,
      'sh',
      image,
      server.container,
    ],
    { env },
  )
  await copyDeployment(server)
  await configure(server)
  await server.copyIn(
    Buffer.from('a-password-of-the-test'),
    '/srv/pacs/deployment/production/secrets/orthanc-postgres-password',
  )
  await compose(server, [...FILES, 'up', '--detach', '--wait', 'orthanc'])
})

afterAll(() => lab?.down())

const sql = (query: string) =>
  compose(server, [...FILES, 'exec', '-T', 'postgres', 'psql', '-U', 'orthanc', '-d', 'orthanc', '-At', '-c', query])

test('what is sent is in the index of PostgreSQL, and still there when both were stopped', async () => {
  const images = Array.from({ length: IMAGES }, () => syntheticImage())
  await sendImages(images, { host: '127.0.0.1', port: server.port(4242), called: 'PACS', calling: 'CT1' })
  const count = 'select count(*) from resources where resourcetype = 3'
  expect(await sql(count)).toBe(String(IMAGES))
  const files = await compose(server, ['exec', '-T', 'orthanc', 'sh', '-c', 'ls /var/lib/orthanc/db'])
  expect(files.split('\n')).not.toContain('index')
  await compose(server, [...FILES, 'stop'])
  await compose(server, [...FILES, 'up', '--detach', '--wait', 'orthanc'])
  expect(await sql(count)).toBe(String(IMAGES))
  const more = syntheticImage()
  await waitFor(
    'Orthanc to take images again',
    () =>
      sendImages([more], { host: '127.0.0.1', port: server.port(4242), called: 'PACS', calling: 'CT1' }).then(
        () => true,
      ),
    60_000,
  )
  expect(await sql(count)).toBe(String(IMAGES + 1))
})

test('the database is reached by Orthanc alone, and by its password only', async () => {
  const members = await server.run([
    'docker',
    'network',
    'inspect',
    'pacs-index',
    '-f',
    '{{range .Containers}}{{.Name}} {{end}}',
  ])
  expect(members.trim().split(' ').toSorted()).toEqual(['pacs-standalone-orthanc-1', 'pacs-standalone-postgres-1'])
  const wrong = await server.exec([
    ...['docker', 'exec', '-e', 'PGPASSWORD=wrong', 'pacs-standalone-postgres-1', 'psql', '-h', 'postgres'],
    ...['-U', 'orthanc', '-d', 'orthanc', '-c', 'select 1'],
  ])
  expect(wrong.code).not.toBe(0)
  expect(wrong.stderr).toContain('password authentication failed')
})
