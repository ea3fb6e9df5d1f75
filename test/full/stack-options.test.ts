// Orthanc's index in PostgreSQL, and what may be laid over the shipped stack: that index in SQLite, DICOM by TLS, logs without a journal. Without the app.
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { run } from '../../src/lib/index.ts'
import { sendImages } from '../dicom/send.ts'
import { syntheticImage } from '../dicom/synthetic-image.ts'
import { fencedBlocks } from '../docs/fenced-blocks.ts'
import { ensureVendorImage, type Lab, type Machine, Progress, startLab, waitFor } from '../lab/index.ts'
import { loadImages, NODE } from '../monitoring/site.ts'
import { describeRefusedRenewal } from '../stack/refused-renewal.ts'
import { compose, configure, copyDeployment, STACK } from '../stack/standalone.ts'

const IMAGES = 20
const ORTHANC = 'pacs-standalone-orthanc-1'
const modality = () => ({ host: '127.0.0.1', port: server.port(4242), called: 'PACS', calling: 'CT1' })

let lab: Lab
let server: Machine

beforeAll(async () => {
  lab = await startLab({ servers: ['staging'], runner: false })
  server = lab.server('staging')
  await server.copyIn(process.execPath, NODE, 0o755)
  await copyDeployment(server)
  await configure(server)
  await compose(server, ['up', '--detach', '--wait', 'orthanc'])
})

afterAll(() => lab?.down())

const sql = (query: string) =>
  compose(server, ['exec', '-T', 'postgres', 'psql', '-U', 'orthanc', '-d', 'orthanc', '-At', '-c', query])

test('what is sent is in the index of PostgreSQL, and still there when both were stopped', async () => {
  const images = Array.from({ length: IMAGES }, () => syntheticImage())
  await sendImages(images, { host: '127.0.0.1', port: server.port(4242), called: 'PACS', calling: 'CT1' })
  const count = 'select count(*) from resources where resourcetype = 3'
  expect(await sql(count)).toBe(String(IMAGES))
  const files = await compose(server, ['exec', '-T', 'orthanc', 'sh', '-c', 'ls /var/lib/orthanc/db'])
  expect(files.split('\n')).not.toContain('index')
  await compose(server, ['stop'])
  await compose(server, ['up', '--detach', '--wait', 'orthanc'])
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

test('Orthanc goes on by itself when PostgreSQL was away, as when that alone is replaced', async () => {
  const before = await server.run(['docker', 'inspect', '-f', '{{.State.StartedAt}}', ORTHANC])
  await compose(server, ['up', '--detach', '--wait', '--no-deps', '--force-recreate', 'postgres'])
  const count = Number(await sql('select count(*) from resources where resourcetype = 3'))
  await waitFor(
    'Orthanc to take images again',
    () =>
      sendImages([syntheticImage()], modality()).then(
        () => true,
        () => false,
      ),
    60_000,
  )
  expect(Number(await sql('select count(*) from resources where resourcetype = 3'))).toBe(count + 1)
  expect(await server.run(['docker', 'inspect', '-f', '{{.State.StartedAt}}', ORTHANC])).toBe(before)
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

const echo = (options: readonly string[] = []) =>
  server.exec([
    ...['docker', 'exec', 'pacs-standalone-orthanc-1', 'echoscu', '-aet', 'CT1', '-aec', 'PACS', ...options],
    ...['127.0.0.1', '4242'],
  ])

test('a modality that calls from another address is refused where addresses are checked', async () => {
  const env = { DICOM_CHECK_HOST: 'true', DICOM_MODALITIES: '{"ct1":["CT1","127.0.0.1",104]}' }
  await compose(server, ['up', '--detach', '--wait', 'orthanc'], env)
  const known = await echo()
  expect(known.code, known.stderr).toBe(0)
  const outside = { host: '127.0.0.1', port: server.port(4242), called: 'PACS', calling: 'CT1' }
  await expect(sendImages([syntheticImage()], outside)).rejects.toThrow(/refused|status/)
})

test('DICOM by TLS takes a modality with a certificate that it trusts, and nobody else', async () => {
  const { certificate, key } = lab.files.authority.issued(server.hostname)
  const secrets = `${STACK}/secrets`
  await server.copyIn(certificate, `${secrets}/dicom-tls.crt`)
  await server.copyIn(key, `${secrets}/dicom-tls.key`)
  const modality = '/srv/modality'
  const pair = ['-keyout', `${modality}.key`, '-out', `${modality}.crt`]
  await server.run([
    'openssl',
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '2',
    '-subj',
    '/CN=CT1',
    ...pair,
  ])
  const trusting = `${await readFile(lab.ca, 'utf8')}\n${await server.readText(`${modality}.crt`)}`
  await server.copyIn(Buffer.from(trusting), `${secrets}/dicom-tls-trusted.crt`)
  const tls = ['-f', 'docker-compose.dicom-tls.yml']
  await compose(server, [...tls, 'up', '--detach', '--wait', 'orthanc'])
  const archive = { host: '127.0.0.1', port: server.port(4242), called: 'PACS', calling: 'CT1' }
  await expect(sendImages([syntheticImage()], archive)).rejects.toThrow()
  const trusted = ['+cf', '/run/secrets/dicom-tls-trusted.crt']
  // Beside the archive's own secrets, where a container's program finds it.
  for (const part of ['key', 'crt']) {
    await server.run([
      'sh',
      '-c',
      `docker exec -i pacs-standalone-orthanc-1 sh -c 'cat >/tmp/m.${part}' <${modality}.${part}`,
    ])
  }
  const own = ['+tls', '/tmp/m.key', '/tmp/m.crt']
  const known = await echo([...own, ...trusted])
  expect(known.code, known.stderr).toBe(0)
  // Without a certificate of its own.
  expect((await echo(['+tla', ...trusted])).code).not.toBe(0)
  expect((await echo()).code).not.toBe(0)
  expect(await dicomHealth()).toMatchObject({ state: 'down' })
  for (const part of ['key', 'crt'])
    await server.run(['cp', `${modality}.${part}`, `${secrets}/dicom-tls-probe.${part}`])
  await server.copyIn(lab.ca, `${secrets}/dicom-tls-probe-trusted.crt`)
  const tlsOfCheck = (await server.readText(`${STACK}/docker-compose.dicom-tls.yml`)).match(/"tls": (\{.*\})/)?.[1]
  expect(await dicomHealth(JSON.parse(tlsOfCheck ?? ''))).toMatchObject({
    state: 'up',
    detail: expect.stringMatching(/^speaks DICOM \(rejects HEALTHCHECK.*, TLSv1\.\d, \d+ days left$/),
  })
})

/** What the shipped health check says of Orthanc's DICOM port. @param tls what the check is given to speak TLS */
const dicomHealth = (tls?: object) => healthOf('orthanc', 'dicom', { tls })

/** What one check of the shipped health check says. @param more what it is given beside what is shipped */
async function healthOf(service: string, check: string, more: object = {}): Promise<unknown> {
  const file = JSON.parse(await server.readText(`${STACK}/monitoring/health-checks.json`))
  const { checks } = file.services[service]
  Object.assign(
    checks.find(({ kind, path }: { kind: string; path?: string }) => check === (path ?? kind)),
    more,
  )
  const only = { project: file.project, services: { [service]: { checks } } }
  await server.copyIn(Buffer.from(JSON.stringify(only)), '/srv/health-checks.json')
  const { stdout } = await server.exec([
    ...[NODE, `${STACK}/monitoring/health-check.js`, '--format', 'json', '--timeout', '10s'],
    ...['--checks', '/srv/health-checks.json', '--secrets', `${STACK}/secrets`],
  ])
  const report: { checks: { service: string; check: string }[] } = JSON.parse(stdout)
  return report.checks.find((one) => one.service === service && one.check === check)
}

test('the engine keeps the logs, rotated, where no journal takes them', async () => {
  const redis = 'pacs-standalone-redis-1'
  await compose(server, ['-f', 'docker-compose.desktop.yml', 'up', '--detach', '--wait', 'redis'])
  const config = await server.run(['docker', 'inspect', '-f', '{{json .HostConfig.LogConfig}}', redis])
  expect(JSON.parse(config)).toEqual({ Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '5' } })
  expect((await server.exec(['docker', 'logs', redis])).stdout).toContain('Ready to accept connections')
})

describeRefusedRenewal(() => ({ lab, server }))

test('a service that the kernel kills for its memory comes back by itself, and the health check counts it', async () => {
  const redis = 'pacs-standalone-redis-1'
  await compose(server, ['up', '--detach', '--wait', 'redis'])
  const began = Math.floor(Date.now() / 1000)
  // Something in its container takes all that the limit leaves, and the service is what has to go.
  await server.exec(['docker', 'exec', redis, 'sh', '-c', 'echo 1000 >/proc/1/oom_score_adj; exec tail /dev/zero'])
  await waitFor(
    'Redis to be healthy again',
    async () => {
      const format = '{{.RestartCount}} {{.State.Health.Status}}'
      return /^[1-9]\d* healthy$/.test((await server.run(['docker', 'inspect', '-f', format, redis])).trim())
    },
    60_000,
  )
  const window = ['--since', `${began - 1}`, '--until', `${Math.ceil(Date.now() / 1000)}`]
  const events = await server.run([
    'docker',
    'events',
    ...window,
    '--filter',
    `container=${redis}`,
    '--filter',
    'event=oom',
  ])
  expect(events).toContain('oom')
  const checks = '/srv/health-checks-redis.json'
  const only = { project: 'pacs', services: { redis: { checks: [{ kind: 'redis', port: 6379, user: 'health' }] } } }
  await server.copyIn(Buffer.from(JSON.stringify(only)), checks)
  const program = [NODE, `${STACK}/monitoring/health-check.js`, '--checks', checks, '--format', 'prometheus']
  expect((await server.exec(program)).stdout).toMatch(/^pacs_container_restarts_total\{service="redis".*\} [1-9]/m)
})

test('a Redis whose disk is full is down for the health check, and up again by itself once there is room', async () => {
  const redis = 'pacs-standalone-redis-1'
  await compose(server, ['up', '--detach', 'redis'])
  await compose(server, ['rm', '--stop', '--force', 'redis'])
  const disk = await server.run(['docker', 'volume', 'inspect', '-f', '{{.Mountpoint}}', 'pacs-redis'])
  await server.run(['mount', '-t', 'tmpfs', '-o', 'size=4m,uid=999,gid=999', 'none', disk])
  await compose(server, ['up', '--detach', '--wait', 'redis'])
  const services = { redis: { checks: [{ kind: 'redis', port: 6379, user: 'health' }] } }
  const checks = '/srv/health-checks-full.json'
  await server.copyIn(Buffer.from(JSON.stringify({ project: 'pacs', services, disks: [disk] })), checks)
  const check = async () => {
    const program = [NODE, `${STACK}/monitoring/health-check.js`, '--checks', checks, '--format', 'json']
    const { code, stdout } = await server.exec(program)
    const found: { service: string; check: string; state: string; detail: string }[] = JSON.parse(stdout).checks
    return { code, said: found.map((one) => `${one.service} ${one.check} ${one.state}: ${one.detail}`).join('\n') }
  }
  expect(await check()).toMatchObject({ code: 0 })
  const write = `REDISCLI_AUTH="$(cat secrets/redis-app-password)" docker exec -e REDISCLI_AUTH ${redis} redis-cli --user app set pacs:x `
  await server.run(['sh', '-c', `head -c 8m /dev/zero >${disk}/full 2>/dev/null || :`])
  await server.exec(['sh', '-c', `${write} "$(head -c 100000 /dev/zero | tr '\\0' x)"`], { cwd: STACK })
  const full = await waitFor(
    'Redis to be unable to write',
    async () => {
      const now = await check()
      return /redis redis down/.test(now.said) && now
    },
    60_000,
  )
  expect(full.code).toBe(11)
  expect(full.said).toMatch(/^redis redis down: answers MISCONF/m)
  expect(full.said).toMatch(/^disk \S+ down: [0-4] % is free/m)
  await server.run(['rm', `${disk}/full`])
  await waitFor('both to be well again', async () => (await check()).code === 0, 60_000)
  await compose(server, ['rm', '--stop', '--force', 'redis'])
  await server.run(['umount', disk])
})

// Its exporter is built from its source where the vendor's image cannot be had: minutes, the first time.
test('figures of MongoDB come to Prometheus where its exporter is laid over the stack', {
  timeout: 30 * 60_000,
}, async ({ onTestFinished }) => {
  const name = 'percona/mongodb_exporter:0.53'
  const { image } = await ensureVendorImage(name, new Progress(undefined, 'exporter'))
  await Promise.all([bring(image, name), loadImages(server)])
  const over = ['-f', 'docker-compose.mongodb-exporter.yml', '--profile', 'monitoring']
  onTestFinished(async () => {
    await compose(server, [...over, 'down'])
  })
  const password = 'a-password-of-the-exporter'
  const logInWith = (given: string) =>
    server.copyIn(Buffer.from(`MONGODB_PASSWORD=${given}\n`), `${STACK}/secrets/mongodb-exporter.env`, 0o600)
  await server.copyIn(Buffer.from(password), `${STACK}/secrets/mongodb-metrics-password`)
  await logInWith(password)
  await compose(server, [...over, 'up', '--detach', '--wait', 'mongodb', 'mongodb-exporter', 'prometheus'])
  const ask = async (query: string): Promise<{ metric: Record<string, string>; value: [number, string] }[]> => {
    const url = ['http://127.0.0.1:9090/api/v1/query', '--data-urlencode', `query=${query}`]
    return JSON.parse(await server.run(['curl', '-sS', '-G', ...url])).data.result
  }
  const isSeen = (up: 0 | 1) =>
    waitFor(
      `mongodb_up to be ${up}`,
      async () => (await ask(`mongodb_up{job="mongodb"} == ${up}`)).length === 1,
      90_000,
    )
  await isSeen(1)
  const collectors = (await ask('collector_scrape_time_ms{job="mongodb"}')).map(({ metric }) => metric.collector)
  expect(collectors.toSorted()).toEqual(['diagnostic_data', 'general', 'replset_status'])
  expect(await healthOf('mongodb-exporter', '/metrics')).toMatchObject({ state: 'up' })
  await logInWith('not-that-one')
  await compose(server, [...over, 'up', '--detach', '--wait', '--no-deps', 'mongodb-exporter'])
  await isSeen(0)
  expect(await healthOf('mongodb-exporter', '/metrics')).toMatchObject({ state: 'down' })
})

const SMALL = ['-f', 'docker-compose.small.yml']
/** Starts Orthanc, which is to refuse that. @returns what it says */
async function refusal(files: readonly string[]): Promise<string> {
  await compose(server, [...files, 'up', '--detach', '--no-deps', 'orthanc'])
  const format = '{{.State.ExitCode}} {{.RestartCount}}'
  await waitFor(
    'Orthanc to end, and to be started in vain',
    async () => /^10 [1-9]/.test(await server.run(['docker', 'inspect', '-f', format, ORTHANC])),
    60_000,
  )
  return (await server.exec(['docker', 'logs', ORTHANC])).stderr
}

describe('an archive', () => {
  const images = Array.from({ length: IMAGES }, () => syntheticImage())
  const count = 'select count(*) from resources where resourcetype = 3'
  const mode = "select setting from pg_settings where name in ('data_checksums', 'password_encryption') order by name"

  beforeAll(async () => {
    await compose(server, ['down', '--volumes'])
    await compose(server, ['up', '--detach', '--wait', 'orthanc'])
    await sendImages(images, modality())
  })

  test('of PostgreSQL is not started on SQLite, which would show none of its images, and comes back whole', async () => {
    expect((await sql(mode)).split('\n')).toEqual(['on', 'scram-sha-256'])
    expect(await refusal(SMALL)).toMatch(
      /refused: the images in the volume are in no index of SQLite .*stay with PostgreSQL/,
    )
    await compose(server, ['up', '--detach', '--wait', 'orthanc'])
    expect(await sql(count)).toBe(String(IMAGES))
  })

  test('that is small starts without PostgreSQL, and is not started on it once it has images', async () => {
    await compose(server, ['down', '--volumes'])
    await compose(server, [...SMALL, 'up', '--detach', '--wait', 'orthanc'])
    expect(await server.run(['docker', 'ps', '--format', '{{.Names}}'])).toBe(ORTHANC)
    await sendImages(images, modality())
    await compose(server, ['up', '--detach', '--wait', 'postgres'])
    expect(await refusal([])).toMatch(/refused: the images in the volume are in an index of SQLite .*stay with SQLite/)
    await compose(server, [...SMALL, 'up', '--detach', '--wait', 'orthanc'])
    expect(await files()).toContain('index')
  })

  test('that is small changes over as its page says, and every image comes along', async () => {
    const steps = await server.readText(`${STACK}/orthanc/README.md`)
    const blocks = fencedBlocks(steps).map(({ text }) => text)
    expect(blocks).toHaveLength(2)
    const [before = '', send = ''] = blocks
    await server.run(['sed', '-i', 's/name: pacs-orthanc$/name: pacs-orthanc-2/', `${STACK}/docker-compose.prod.yml`])
    await compose(server, ['up', '--detach', '--wait', 'orthanc'])
    const here = { cwd: STACK, env: { STACK, SECRETS: `${STACK}/secrets` } }
    await server.run(['sh', '-euc', before], here)
    const said = await waitFor(
      'the old one to send',
      async () => (await server.exec(['sh', '-euc', send], here)).stdout,
      60_000,
    )
    expect(said.trim().split('\n').at(-1)).toBe(`all ${IMAGES} images are there, ${IMAGES} of them new`)
    expect(await sql(count)).toBe(String(IMAGES))
    expect(await files()).not.toContain('index')
    await server.run(['docker', 'rm', '-f', 'orthanc-before'])
  })

  test('that took no image yet may change over by itself', async () => {
    await compose(server, ['down', '--volumes'])
    await compose(server, [...SMALL, 'up', '--detach', '--wait', 'orthanc'])
    expect(await files()).toContain('index')
    await compose(server, ['up', '--detach', '--wait', 'orthanc'])
    await sendImages(images.slice(0, 1), modality())
    // Started over its images again: what SQLite left is not taken for their index.
    await compose(server, ['up', '--detach', '--wait', '--force-recreate', 'orthanc'])
    expect(await sql(count)).toBe('1')
  })

  test('that is full refuses the next image, and keeps the first', async () => {
    await compose(server, ['down', '--volumes'])
    await compose(server, ['up', '--detach', '--wait', 'orthanc'], { ORTHANC_MAX_STORAGE_MB: '1' })
    // Two thirds of the room.
    const large = () => syntheticImage('SYNTHETIC^PATIENT', 'SYN-1', { size: 830 })
    const [first, next] = [large(), large()]
    await sendImages([first], modality())
    // Of the DICOM standard: out of resources.
    await expect(sendImages([next], modality())).rejects.toThrow(`C-STORE ended with status ${0xa700}`)
    const uids = [first, next].map(({ sopInstanceUid }) => `'${sopInstanceUid}'`).join()
    expect(await sql(`select value from dicomidentifiers where value in (${uids})`)).toBe(first.sopInstanceUid)
    expect(await sql(count)).toBe('1')
  })

  const files = async () =>
    (await compose(server, ['exec', '-T', 'orthanc', 'sh', '-c', 'ls /var/lib/orthanc/db'])).split('\n')
})

/** Gives an image of this machine to the server, under the name that the stack has for it. */
async function bring(image: string, name: string): Promise<void> {
  const script = `docker tag "$1" "$3" && docker save "$3" | docker exec -i "$2" docker load`
  await run('sh', ['-c', script, 'sh', image, server.container, name], { env: { PATH: process.env.PATH ?? '' } })
}
