import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { parseChecksFile } from '../../../src/health/server/checks-file.ts'
import { healthCheck } from '../../../src/health/server/command.ts'
import { INSTANCE_HEADER } from '../../../src/stack/index.ts'
import { type Container, engine, httpService, saying, silent, tcpService } from '../../health/services.ts'
import { publicSite } from './public-site.ts'

/** Has room however full the disks of this machine are. */
const ROOMY = '/dev'
const stack = join(import.meta.dirname, '../../../deployment/production')
let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pacs-health-'))
})
afterEach(() => rm(directory, { recursive: true }))

/** Runs the program over `services` of a checks file, and the containers that the engine lists. */
async function check(services: object, containers: readonly Container[], ...args: string[]) {
  await using docker = await engine(containers)
  const checks = join(directory, 'checks.json')
  await writeFile(checks, JSON.stringify({ project: 'pacs', services, disks: [ROOMY, '/nowhere'] }))
  let printed = ''
  const common = ['--checks', checks, '--engine', docker.socketPath, '--secrets', directory]
  const code = await healthCheck([...common, ...args], {
    script: join(stack, 'monitoring/health-check.js'),
    env: {},
    print: (text) => {
      printed += text
    },
  })
  return { code, printed }
}

async function report(...parameters: Parameters<typeof check>) {
  const [services, containers, ...args] = parameters
  const { code, printed } = await check(services, containers, '--format', 'json', ...args)
  const { state, checks } = JSON.parse(printed)
  const bad = checks.filter((one: { service: string; state: string }) => one.service !== 'disk' && one.state !== 'up')
  return { code, state, bad, checks }
}

const http = (port: number, more = {}) => ({ checks: [{ kind: 'http', port, path: '/', ...more }] })

describe('health-check.js', () => {
  it('finds every service up, each in its own protocol, and says so in every format', async () => {
    await using web = await httpService((_request, response) => void response.end('{"status":"ready"}'))
    await using cache = await saying('+OK\r\n+PONG\r\n-NOPERM\r\n')
    const services = { web: http(web.port), cache: { checks: [{ kind: 'redis', port: cache.port, user: 'health' }] } }
    const containers = [{ service: 'web' }, { service: 'cache' }, { service: 'other' }]
    const { code, state, checks } = await report(services, containers)
    expect([code, state]).toEqual([0, 'up'])
    expect(checks.map((one: { service: string; check: string }) => `${one.service} ${one.check}`)).toEqual([
      ...['web container', 'web /', 'cache container', 'cache redis', 'other container', `disk ${ROOMY}`],
    ])
    expect((await check(services, containers)).printed).toMatch(/^STATE +SERVICE[\s\S]*up: 6 of 6 checks are up/)
    const { printed } = await check(services, containers, '--format', 'prometheus')
    expect(printed).toContain('pacs_health_state{state="up"} 1\n')
    expect(printed).toContain('pacs_health_check_up{service="cache",check="redis",critical="true"} 1\n')
    const output = join(directory, 'health.prom')
    expect((await check(services, containers, '--format', 'prometheus', '--output', output)).printed).toBe('')
    expect(await readFile(output, 'utf8')).toContain('pacs_health_timestamp_seconds ')
  })

  it('tells Prometheus what the engine counts of each container that runs, on both kinds of control groups', async () => {
    const figures = (memory: object) => ({
      json: { RestartCount: 3, State: { StartedAt: '2026-11-24T10:15:00.5Z' } },
      stats: {
        cpu_stats: { cpu_usage: { total_usage: 2_500_000_000 } },
        memory_stats: { limit: 1000, ...memory },
        pids_stats: { current: 7 },
      },
    })
    const containers = [
      { service: 'web', figures: figures({ usage: 900, stats: { inactive_file: 100 } }) },
      { service: 'old', figures: figures({ usage: 700, stats: { inactive_file: 10, total_inactive_file: 50 } }) },
      { service: 'gone' },
      { service: 'going', figures: { json: figures({}).json } },
      { service: 'ended', state: 'exited', figures: figures({ usage: 1, stats: {} }) },
    ]
    const { printed } = await check({}, containers, '--format', 'prometheus')
    const found = printed.split('\n').filter((line) => line.startsWith('pacs_container_'))
    const of = (service: string, memory: number) => {
      const labels = `{service="${service}",name="pacs-${service}-1"}`
      return [
        `pacs_container_memory_bytes${labels} ${memory}`,
        `pacs_container_memory_limit_bytes${labels} 1000`,
        `pacs_container_cpu_seconds_total${labels} 2.5`,
        `pacs_container_processes${labels} 7`,
        `pacs_container_restarts_total${labels} 3`,
        `pacs_container_start_time_seconds${labels} ${Date.parse('2026-11-24T10:15:00.5Z') / 1000}`,
      ]
    }
    expect(found.toSorted()).toEqual([...of('web', 800), ...of('old', 650)].toSorted())
    expect(printed).toContain('# TYPE pacs_container_restarts_total counter\n')
    expect((await check({}, containers)).printed).not.toContain('2.5')
  })

  it('leaves alone what belongs to others, and what proves a restore', async () => {
    const ill = 'Up 2 minutes (unhealthy)'
    const { checks } = await report({}, [
      { service: 'web' },
      { service: 'theirs', project: 'pacsy', status: ill },
      { service: 'database', project: 'pacs-verify', verifies: true, status: ill },
    ])
    expect(checks.map((one: { service: string }) => one.service)).toEqual(['web', 'disk'])
  })

  it('is down for one that accepts and stays silent, within the limit, and tells it from one that is not there', async () => {
    await using liar = await silent()
    const services = { liar: { checks: [{ kind: 'mongodb', port: liar.port }] }, gone: {}, spare: { optional: true } }
    const { code, state, bad } = await report(services, [{ service: 'liar' }], '--timeout', '200ms')
    expect([code, state]).toEqual([11, 'down'])
    expect(bad.map((one: { service: string; detail: string }) => [one.service, one.detail])).toEqual([
      ['liar', expect.stringMatching(/accepts connections but does not answer|no answer within 200 ms/)],
      ['gone', 'there is no container'],
    ])
  })

  it('lets a container end whose service has nothing to answer, and no other', async () => {
    const ended = { state: 'exited', status: 'Exited (0) 5 minutes ago' }
    const containers = [
      { service: 'database', ...ended },
      { service: 'once', ...ended },
    ]
    const { code, bad } = await report({ database: { checks: [{ kind: 'mongodb', port: 1 }] }, once: {} }, containers)
    expect(code).toBe(11)
    expect(bad).toMatchObject([{ service: 'database', check: 'container', detail: 'exited (0) 5 minutes ago' }])
  })

  it('is degraded, not down, for what is not critical, and exits by --strict', async () => {
    const services = { panel: { critical: false } }
    const containers = [{ service: 'panel', status: 'Up 2 minutes (unhealthy)' }]
    expect(await report(services, containers)).toMatchObject({ code: 1, state: 'degraded' })
    expect(await report(services, containers, '--strict')).toMatchObject({ code: 11 })
    const { printed } = await check({ ...services, gone: {} }, containers)
    expect(printed).toMatch(/^DOWN +gone /m)
    expect(printed).toMatch(/^down +panel /m)
  })

  it('asks one with a password by it, and believes no 200 of a wrong version or instance', async () => {
    await using web = await httpService((request, response) => {
      const known = request.headers.authorization === `Basic ${Buffer.from('me:secret').toString('base64')}`
      response.writeHead(known ? 200 : 401).end('{"instance":"0a1b2c3d","version":"1.2"}')
    })
    const login = { user: 'me', secret: 'password' }
    const app = { service: 'web', project: 'pacs-0a1b2c3d', instance: 'r-1' }
    expect(await report({ web: http(web.port, { login }) }, [app])).toMatchObject({ state: 'up' })
    await writeFile(join(directory, 'password'), 'secret\n')
    expect(await report({ web: http(web.port, { login, instance: 'instance' }) }, [app])).toMatchObject({ state: 'up' })
    // Without an agent there is one instance, which has no name of its own.
    const alone = { ...app, project: 'pacs' }
    expect(await report({ web: http(web.port, { login, instance: 'instance' }) }, [alone])).toMatchObject({
      state: 'up',
    })
    const other = { ...app, project: 'pacs-ffffffff' }
    const wrong = await report({ web: http(web.port, { login, instance: 'instance' }) }, [other])
    expect(wrong.bad[0].detail).toBe('status 200, but instance is "0a1b2c3d", wanted "ffffffff"')
    const old = await report({ web: http(web.port, { login, expect: { version: '1.3' } }) }, [app])
    expect(old.bad[0].detail).toBe('status 200, but version is "1.2", wanted "1.3"')
  })

  it('asks the public entry with its certificate, and sees one that ends soon', async () => {
    await using site = await publicSite((_request, response) => response.writeHead(200).end('page'))
    const ca = join(directory, 'ca.pem')
    await writeFile(ca, site.ca)
    const { bad } = await report({}, [], '--url', site.url)
    expect(bad).toHaveLength(2)
    const { state, checks } = await report({}, [], '--url', site.url, '--ca-file', ca)
    expect(state).toBe('up')
    expect(checks.map((one: { check: string }) => one.check)).toEqual([site.url, 'certificate', ROOMY])
  })

  it.each([
    ['is over', { expired: true }, /^the certificate does not hold: CERT_HAS_EXPIRED$/, /certificate has expired/],
    [
      'is for another name',
      { name: 'pacs.example' },
      /^the certificate does not hold: ERR_TLS_CERT_ALTNAME_INVALID/,
      /Hostname\/IP does not match/,
    ],
  ])('is down where the public entry shows a certificate that %s', async (_, faults, certificate, page) => {
    await using site = await publicSite((_request, response) => response.writeHead(200).end('page'), faults)
    const ca = join(directory, 'ca.pem')
    await writeFile(ca, site.ca)
    const { code, bad } = await report({}, [], '--url', site.url, '--ca-file', ca)
    expect(code).toBe(11)
    expect(bad.map(({ detail }: { detail: string }) => detail)).toEqual([
      expect.stringMatching(page),
      expect.stringMatching(certificate),
    ])
  })

  it('believes no public page of an instance that does not run here', async () => {
    await using site = await publicSite((_request, response) =>
      response.writeHead(200, { [INSTANCE_HEADER]: '0a1b2c3d' }).end('page'),
    )
    const [ca, checks] = [join(directory, 'ca.pem'), join(directory, 'with-header.json')]
    await writeFile(ca, site.ca)
    await writeFile(checks, JSON.stringify({ project: 'pacs', services: {}, 'instance-header': INSTANCE_HEADER }))
    const of = (...projects: string[]) => {
      const containers = projects.map((project) => ({ service: 'web', project, instance: 'r-1' }))
      return report({}, containers, '--checks', checks, '--url', site.url, '--ca-file', ca)
    }
    expect((await of('pacs-0a1b2c3d', 'pacs-ffffffff')).bad).toEqual([])
    expect((await of('pacs-ffffffff')).bad).toMatchObject([
      { service: 'public', check: site.url, detail: expect.stringMatching(/is 0a1b2c3d, wanted ffffffff$/) },
    ])
    expect((await of('pacs')).bad).toEqual([])
    expect((await report({}, [], '--url', site.url, '--ca-file', ca)).bad).toEqual([])
  })

  it('asks also what a deploy watches, once traffic is switched to it, and not before', async () => {
    const socketPath = join(directory, 'agent.sock')
    const checks = join(directory, 'with-agent.json')
    await writeFile(checks, JSON.stringify({ project: 'pacs', services: {}, agent: socketPath }))
    const status = {
      ...{ transaction: { id: 'deploy-2', kind: 'deploy' }, warm: null, last: null },
      ...{ serving: { instance: 'r1-c', release: 'r1' }, candidate: { instance: 'r2-c' } },
    }
    const containers = ['r1', 'r2', 'r0'].map((name) => ({ service: name, instance: `${name}-c` }))
    const asked = async (phase: string) => {
      const body = JSON.stringify({ ...status, phase })
      const agent = createServer((_request, response) => void response.end(body)).listen(socketPath)
      try {
        const { checks: found } = await report({}, containers, '--checks', checks)
        return found.map(({ service }: { service: string }) => service)
      } finally {
        await new Promise((resolve) => agent.close(resolve))
      }
    }
    expect(await asked('staging')).toEqual(['r1', 'agent'])
    expect(await asked('switched')).toEqual(['r1', 'r2', 'agent'])
  })

  it('demands the release that is wanted, of an agent that nobody has here', async () => {
    const { code, bad } = await report({}, [], '--release', '20261124t101500z-abc1234def01')
    expect(code).toBe(11)
    expect(bad[0].detail).toMatch(/^nothing that an agent knows serves, wanted 20261124t/)
  })

  it('misses the agent where containers are there that it made, and nowhere else', async () => {
    const app = { service: 'web', project: 'pacs-0a1b2c3d', instance: 'r-1' }
    const asking = async () => {
      const checks = join(directory, 'with-agent.json')
      const agent = join(directory, 'agent.sock')
      await writeFile(checks, JSON.stringify({ project: 'pacs', services: { web: {} }, agent }))
      return ['--checks', checks]
    }
    const { code, bad } = await report({}, [app], ...(await asking()))
    expect(code).toBe(1)
    expect(bad).toMatchObject([
      {
        service: 'agent',
        detail: expect.stringMatching(/^no socket .*agent\.sock that may be used.*it made what serves$/),
      },
    ])
    expect(await report({}, [{ service: 'web' }], ...(await asking()))).toMatchObject({ code: 0, state: 'up' })
  })

  it('tells Prometheus of an agent that does not answer, and of one of which a transaction failed', async () => {
    const socketPath = join(directory, 'agent.sock')
    const last = { transaction: 'deploy-1', result: { outcome: 'deployed' } }
    let answer = ''
    const agent = createServer((_request, response) => void response.end(answer)).listen(socketPath)
    const checks = join(directory, 'with-agent.json')
    await writeFile(checks, JSON.stringify({ project: 'pacs', services: {}, agent: socketPath }))
    const asked = async (body: string) => {
      answer = body
      const { printed } = await check({}, [], '--format', 'prometheus', '--checks', checks)
      const of = '{service="agent",check="status",critical="false"}'
      return ['up', 'degraded'].map((what) => printed.split(`pacs_health_check_${what}${of} `)[1]?.[0])
    }
    const status = { phase: 'idle', transaction: null, serving: null, candidate: null, warm: null, last }
    try {
      expect(await asked(JSON.stringify(status))).toEqual(['1', '0'])
      expect(await asked(JSON.stringify({ ...status, last: { ...last, result: { outcome: 'failed' } } }))).toEqual([
        '1',
        '1',
      ])
      expect(await asked(JSON.stringify({ ...status, failed: null }))).toEqual(['1', '0'])
      expect(await asked(JSON.stringify({ ...status, failed: { transaction: 'deploy-0' } }))).toEqual(['1', '1'])
      expect(await asked('no word')).toEqual(['0', '0'])
    } finally {
      agent.close()
    }
  })

  it.each([
    [['--format', 'xml'], /--format is "xml"; allowed: table, prometheus, json/],
    [['--url', 'http://plain/'], /--url is "http:/],
    [['--timeout', 'soon'], /--timeout: "soon" is no duration/],
    [['--checks', '/nowhere.json'], /there is no \/nowhere\.json/],
    [['--what'], /--what/],
  ])('says what is wrong with %j', async (args, says) => {
    await expect(check({}, [], ...args)).rejects.toThrow(says)
  })

  it.each([
    [
      'a list that was cut',
      '[{"Names":',
      [],
      50,
      /^health-check: unreachable: what answers at .* is no container engine/,
    ],
    [
      'an output that cannot be written',
      '[]',
      ['--output', '/nowhere/health.prom'],
      22,
      /^health-check: error: .*ENOENT/,
    ],
    [
      'checks that cannot be read',
      '[]',
      ['--checks', '/'],
      40,
      /^health-check: bad-input: --checks: \/ cannot be read/,
    ],
  ])('does not take %s for a stack that is degraded', async (_what, body, args, code, says) => {
    await using docker = await engine([], body)
    const checks = join(directory, 'checks.json')
    await writeFile(checks, JSON.stringify({ project: 'pacs', services: {}, disks: [ROOMY] }))
    const program = join(import.meta.dirname, '../../../src/health/main.ts')
    const common = ['--checks', checks, '--engine', docker.socketPath]
    const ended = promisify(execFile)(process.execPath, [program, ...common, ...args], { env: {} })
    await expect(ended).rejects.toMatchObject({ code, stderr: expect.stringMatching(says) })
  })

  it('reads the list of an engine with many containers', async () => {
    const others = Array.from({ length: 2000 }, (_, index) => ({ service: `s${index}`, project: 'elsewhere' }))
    expect(await report({ web: {} }, [...others, { service: 'web' }])).toMatchObject({ state: 'up' })
  })

  it('prints beside the file that it writes what is not as that file said, once', async () => {
    const writing = ['--format', 'prometheus', '--output', join(directory, 'health.prom')]
    const printedOver = async (...containers: Container[]) =>
      (await check({ web: {}, cache: {} }, containers, ...writing)).printed
    const [web, cache] = [{ service: 'web' }, { service: 'cache' }]
    const starting = { service: 'web', status: 'Up 2 seconds (health: starting)' }
    expect(await printedOver(web)).toBe('cache container is down, was up: there is no container\n')
    expect(await printedOver(web)).toBe('')
    expect(await printedOver(starting, cache)).toMatch(
      /^web container is degraded, was up: starts\ncache container is up, was down: .*\n$/,
    )
    expect(await printedOver(starting, cache)).toBe('')
    expect(await printedOver(cache)).toBe('web container is down, was degraded: there is no container\n')
  })

  it('says that the engine does not answer, and leaves no file behind that says otherwise', async () => {
    const output = join(directory, 'health.prom')
    const writing = ['--format', 'prometheus', '--output', output]
    expect((await check({ web: {} }, [{ service: 'web' }], ...writing)).code).toBe(0)
    const dead = check({}, [], '--engine', join(directory, 'none.sock'), ...writing)
    await expect(dead).rejects.toMatchObject({ kind: 'unreachable' })
    const written = await readFile(output, 'utf8')
    expect(written).toContain('pacs_health_state{state="down"} 1\n')
    expect(written).toContain('pacs_health_check_up{service="engine",check="containers",critical="true"} 0\n')
    expect(written).not.toContain('service="web"')
  })
})

describe('health-checks.json', () => {
  it('names services of the shipped stack only, those that hold data with a check of their own', async () => {
    const file = parseChecksFile('f', await readFile(join(stack, 'monitoring/health-checks.json'), 'utf8'), {})
    const { services } = parse(await readFile(join(stack, 'docker-compose.prod.yml'), 'utf8'), { merge: true })
    const unknown = Object.entries(file.services).filter(([name, { optional }]) => !optional && !(name in services))
    expect(unknown).toEqual([])
    expect(file['instance-header']).toBe(INSTANCE_HEADER)
    for (const [name, { 'x-pacs': pacs }] of Object.entries<{ 'x-pacs'?: { data?: unknown } }>(services)) {
      if (pacs?.data !== undefined) expect(file.services[name]?.checks.length, name).toBeGreaterThan(0)
    }
  })

  it('asks the disk of the backups, which no container may look at', async () => {
    const { disks } = parseChecksFile('f', await readFile(join(stack, 'monitoring/health-checks.json'), 'utf8'), {})
    expect(disks).toEqual(['/', '/opt/pacs', '/opt/pacs/backups', '/var/lib/docker'])
  })

  it.each([
    ['PACS', 'backend', ''],
    ['HOSP', 'api', "DICOM_AET='HOSP'\nORTHANC_USERNAME=api\n"],
  ])('finds up an archive called %s that knows %s, by the .env beside its secrets', async (title, user, env) => {
    await using rest = await httpService((request, response) => {
      const known = request.headers.authorization === `Basic ${Buffer.from(`${user}:secret`).toString('base64')}`
      response.writeHead(known ? 200 : 401).end(JSON.stringify({ DicomAet: title }))
    })
    // As Orthanc does: first whether it is itself that is called, then who calls.
    await using dicom = await tcpService((socket) => {
      socket.once('data', (hello) => {
        const called = hello.subarray(10, 26).toString().trim()
        socket.write(Buffer.from([3, 0, 0, 0, 0, 4, 0, 1, 1, called === title ? 3 : 7]))
      })
    })
    const { orthanc } = JSON.parse(await readFile(join(stack, 'monitoring/health-checks.json'), 'utf8')).services
    for (const one of orthanc.checks) one.port = one.kind === 'dicom' ? dicom.port : rest.port
    const secrets = join(directory, 'secrets')
    await mkdir(secrets)
    await writeFile(join(secrets, 'orthanc-password'), 'secret')
    if (env !== '') await writeFile(join(directory, '.env'), env)
    const { bad } = await report({ orthanc }, [{ service: 'orthanc' }], '--secrets', secrets)
    expect(bad).toEqual([])
  })

  it('holds no default of a variable, which is another on many a server, but reads the variable', async () => {
    const text = await readFile(join(stack, 'monitoring/health-checks.json'), 'utf8')
    const compose = await readFile(join(stack, 'docker-compose.prod.yml'), 'utf8')
    const variables = [...compose.matchAll(/\$\{\w+:-([^}]*)\}/g)]
    expect(variables.flatMap(([, value = '']) => (text.includes(`: "${value}"`) ? [value] : []))).toEqual([])
    const read = text.match(/\$\{[^}]*\}/g) ?? []
    expect(variables.map(([use]) => use)).toEqual(expect.arrayContaining(read))
    expect(read).toHaveLength(2)
  })

  it('tells every mistake at once', () => {
    const text = '{"project":"","services":{"a":{"checks":[{"kind":"ftp","port":1}]}},"x":1}'
    expect(() => parseChecksFile('f', text, {})).toThrow(/f: project[\s\S]*f: services\.a\.checks\.0\.kind/)
  })
})
