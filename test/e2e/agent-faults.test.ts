// What ends an agent or a whole server in the middle of its work, on a real server: left alone, it converges.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AgentStatus, releasesSchema } from '../../src/agent/protocol.ts'
import { sendImage } from '../dicom/send.ts'
import { syntheticImage } from '../dicom/synthetic-image.ts'
import { type Machine, waitFor } from '../lab/index.ts'
import { agentOfVersion } from '../server/agent-bundle.ts'
import { random, seedOfCommit } from '../site/seed.ts'
import { agent, statusOf } from '../site/server.ts'
import { count, type Site, startSite } from '../site/site.ts'
import { ask, askAndKill, atRest, coreContainers, journalOf } from '../site/transactions.ts'

/** Kills of the agent in one run; the next commit draws others. */
const KILLS = 12
const COMPOSE = 'deployment/production/docker-compose.prod.yml'
const QUICK = ['--watch', '2s', '--hold', '3s', '--keep-warm', '10m']

let site: Site
let server: Machine
/** References of good releases. */
const good: string[] = []

beforeAll(async () => {
  site = await startSite(['faults'])
  server = site.lab.server('faults')
  good.push(await site.repository.build())
  for (const patch of ['version-2.patch', 'slow-boot.patch']) {
    await site.repository.release(patch)
    good.push(await site.repository.build())
  }
  expect(await ask(server, ['migrate', good[0] ?? ''])).toMatchObject({ code: 0, result: { outcome: 'done' } })
  for (const release of good.slice(0, 2)) {
    expect(await ask(server, ['deploy', release, ...QUICK])).toMatchObject({ code: 0, result: { outcome: 'deployed' } })
  }
})

afterAll(async () => {
  await site?.[Symbol.asyncDispose]()
})

/** A good release that neither serves nor is warm, so that a deploy starts it from nothing. */
async function nextRelease({ serving, warm }: AgentStatus): Promise<string> {
  const { stdout } = await agent(server, ['releases', '--json'])
  const accepted = releasesSchema.parse(JSON.parse(stdout)).releases
  const living = accepted.filter(({ id }) => id === serving?.release || id === warm?.release)
  const next = good.find((reference) => living.every((one) => one.reference !== reference))
  if (next === undefined) throw new Error('every good release runs already')
  return next
}

describe('an agent that is killed', () => {
  it(`converges alone from ${KILLS} seeded points without a lost request`, async () => {
    const seed = await seedOfCommit()
    console.log(`agent-faults: seed ${seed} (PACS_TEST_SEED repeats it)`)
    const draw = random(Number.parseInt(seed, 16))
    const counter = await count(site.lab, server)
    const points: string[] = []
    for (let kill = 1; kill <= KILLS; kill++) {
      const before = await statusOf(server)
      const back = before.warm !== null && draw() < 0.25
      // A deploy has ten events from its note to its result; a warm rollback has four.
      const event = back ? 1 + Math.floor(draw() * 4) : 1 + Math.floor(draw() * 10)
      const verb = back ? ['rollback', '--reason', 'a test'] : ['deploy', await nextRelease(before)]
      const { result, events } = await askAndKill(server, [...verb, ...QUICK], { event })
      const after = await atRest(server)
      const point = `kill ${kill} (seed ${seed}) at event ${event} of ${verb[0]}: ${JSON.stringify(events.at(event - 1))}`
      points.push(`${verb[0]} ${event}: ${after.last?.result.outcome}`)
      expect(result, point).toEqual(after.last?.result)
      expect(after.serving?.release, point).toBe(after.last?.result.serving)
      if (after.last?.result.outcome === 'deployed') {
        expect(after.serving?.release, point).not.toBe(before.serving?.release)
      } else {
        expect(['rolled-back', 'refused'], point).toContain(after.last?.result.outcome)
        expect(after.serving, point).toEqual(before.serving)
      }
      expect(counter.lost, point).toEqual([])
    }
    const report = await counter.stop()
    console.log(`agent-faults: ${points.join('; ')}`)
    expect(report.lost).toEqual([])
    expect(report.sent).toBeGreaterThan(2000)
    // The agent that was killed a dozen times is the one that was set up: none was judged for it.
    const { stdout } = await server.exec(['sh', '-c', 'ls /opt/pacs/bin/agents | grep -c "[.]bad$"'])
    expect(stdout.trim()).toBe('0')
  })
})

describe('a server that loses power', () => {
  it('in the middle of a deploy serves the old or the new release again, and nothing else is left', async () => {
    const before = await statusOf(server)
    const core = await coreContainers(server)
    const next = await nextRelease(before)
    let killed: Promise<void> | undefined
    await ask(server, ['deploy', next, ...QUICK], (event) => {
      if (event.type === 'step' && event.step === 'preview') killed ??= server.kill()
    })
    expect(killed).toBeDefined()
    await killed
    await server.start()
    const after = await atRest(server)
    expect(after.last?.result.outcome).toBe('rolled-back')
    expect(after.serving).toEqual(before.serving)
    await waitFor('health', async () => (await agent(server, ['health'])).code === 0, 120_000)
    expect(await coreContainers(server)).toEqual(core)
    const counter = await count(site.lab, server)
    expect(await ask(server, ['deploy', next, ...QUICK])).toMatchObject({ result: { outcome: 'deployed' } })
    const report = await counter.stop()
    expect(report.lost).toEqual([])
    expect(report.instances.size).toBe(2)
  })
})

describe('the core', () => {
  let changed: string

  beforeAll(async () => {
    await site.repository.change('deployment/production/orthanc/orthanc.json', (text) =>
      text.replace('{', '{\n  "Name": "PACS of a test",'),
    )
    changed = await site.repository.build()
  })

  it('is left alone when a release changes it and nobody allowed that', async () => {
    const before = await statusOf(server)
    const core = await coreContainers(server)
    const { code, result, steps } = await ask(server, ['deploy', changed, ...QUICK])
    expect({ code, steps }).toEqual({ code: 10, steps: ['preflight'] })
    expect(result?.message).toMatch(/changes core services.*orthanc \(up to 60 s to stop.*allow-core/)
    expect(await coreContainers(server)).toEqual(core)
    expect((await statusOf(server)).serving).toEqual(before.serving)
  })

  it.each([
    { coreStep: 'stop', by: 'old', progress: 'done: nothing; left: orthanc' },
    { coreStep: 'mounted', by: 'new', progress: 'done: orthanc; left: nothing' },
  ])(
    'killed in its replacement at $coreStep goes on by the $by definition and says so',
    async ({ coreStep, by, progress }) => {
      const core = await coreContainers(server)
      const { result } = await askAndKill(server, ['core', changed, '--allow-core'], { coreStep })
      expect(result?.outcome).toBe('failed')
      expect(result?.message).toContain(`orthanc runs by its ${by} definition`)
      expect(result?.message).toContain(`${progress}; ask for the core again to go on`)
      const after = await coreContainers(server)
      expect(after.get('traefik')).toBe(core.get('traefik'))
      await waitFor('health', async () => (await agent(server, ['health'])).code === 0, 120_000)
    },
  )

  it('goes on when it is asked for again, and a release then fits it', async () => {
    const again = await ask(server, ['core', changed, '--allow-core'])
    expect(again).toMatchObject({ code: 0 })
    const counter = await count(site.lab, server)
    expect(await ask(server, ['deploy', changed, ...QUICK])).toMatchObject({ code: 0, result: { outcome: 'deployed' } })
    expect((await counter.stop()).lost).toEqual([])
  })

  it('is replaced when that is allowed, by name and with what was away for how long', async () => {
    const core = await coreContainers(server)
    const { code, result, events } = await ask(server, ['core', good[0] ?? '', '--allow-core'])
    expect({ code, outcome: result?.outcome, message: result?.message }).toEqual({
      code: 0,
      outcome: 'done',
      message: 'replaced orthanc',
    })
    expect(JSON.stringify(events)).toMatch(/orthanc was away for/)
    const after = await coreContainers(server)
    expect(after.get('traefik')).toBe(core.get('traefik'))
    expect(after.get('orthanc')).not.toBe(core.get('orthanc'))
  })

  it('runs by its old definition where another program holds a port of the new one, which is named', async () => {
    const published = '- "4242:4242"'
    await site.repository.change(COMPOSE, (text) => text.replace(published, `${published}\n      - "4343:4242"`))
    const release = await site.repository.build()
    const holder = "require('node:net').createServer().listen(4343)"
    await server.run(['systemd-run', '--unit', 'holder', '/opt/pacs/bin/node', '-e', holder])
    try {
      await waitFor(
        'the other program',
        async () => (await server.exec(['ss', '-Hltn', 'sport = 4343'])).stdout !== '',
        10_000,
      )
      const core = await coreContainers(server)
      const { result } = await ask(server, ['core', release, '--allow-core'])
      expect(result).toMatchObject({
        outcome: 'rolled-back',
        message: expect.stringMatching(
          /^pacs-orthanc-1 could not be started: [^\n]*:4343[^\n]*address already in use; orthanc runs by its old definition$/,
        ),
      })
      expect((await coreContainers(server)).get('traefik')).toBe(core.get('traefik'))
      await waitFor('health', async () => (await agent(server, ['health'])).code === 0, 120_000)
    } finally {
      await server.exec(['systemctl', 'stop', 'holder'])
    }
  })
})

describe('a release that keeps the index of the images elsewhere', () => {
  it('is refused in one line before anything changes, since it would show none of them', async () => {
    const image = syntheticImage()
    await sendImage(image, { host: '127.0.0.1', port: server.port(4242), called: 'PACS', calling: 'CT1' })
    // As the head of the file says.
    const files = ['-f', 'docker-compose.prod.yml', '-f', 'docker-compose.small.yml']
    const config = ['docker', 'compose', ...files, 'config', '--no-interpolate', '--no-path-resolution']
    const small = await site.lab.runner.run(config, { cwd: '/srv/pacs/deployment/production' })
    await site.repository.change(COMPOSE, () => small)
    const release = await site.repository.build()
    const core = await coreContainers(server)
    const { code, result } = await ask(server, ['core', release, '--allow-core'])
    expect(code).toBe(10)
    expect(result?.message).toMatch(
      /^orthanc would show none of the images in the volume pacs-orthanc: no index of SQLite is there[^\n]*orthanc\/README\.md/,
    )
    expect(await coreContainers(server)).toEqual(core)
    await waitFor('health', async () => (await agent(server, ['health'])).code === 0, 120_000)
  })
})

const TRAEFIK = 'deployment/production/traefik/traefik.yml'
const quieter = (text: string) => text.replace('level: INFO', 'level: WARN')

describe('a change of how Traefik itself runs', () => {
  let changed: string

  beforeAll(async () => {
    await site.repository.change(TRAEFIK, quieter)
    changed = await site.repository.build()
  })

  it('is refused by name without leave, and no request is lost', async () => {
    const core = await coreContainers(server)
    const counter = await count(site.lab, server)
    const { code, result, steps } = await ask(server, ['deploy', changed, ...QUICK])
    expect((await counter.stop()).lost).toEqual([])
    expect({ code, steps }).toEqual({ code: 10, steps: ['preflight'] })
    expect(result?.message).toMatch(
      /changes core services, .*: traefik \(up to 30 s to stop.*; to do it, ask with allow-core/,
    )
    expect(result?.message).not.toContain('orthanc')
    expect(await coreContainers(server)).toEqual(core)
  })

  it('whose replacement is killed once the old one is gone brings the old one back, and the release serves again', async () => {
    const before = await statusOf(server)
    const core = await coreContainers(server)
    const { result } = await askAndKill(server, ['core', changed, '--allow-core'], { coreStep: 'start' })
    expect(result?.outcome).toBe('failed')
    expect(result?.message).toContain(
      'traefik runs by its old definition; done: nothing; left: traefik; ask for the core',
    )
    await waitFor('health', async () => (await agent(server, ['health'])).code === 0, 120_000)
    const counter = await count(site.lab, server)
    expect((await atRest(server)).serving).toEqual(before.serving)
    const after = await coreContainers(server)
    expect(after.get('traefik')).not.toBe(core.get('traefik'))
    expect(after.get('orthanc')).toBe(core.get('orthanc'))
    await waitFor('some requests', async () => counter.sent > 200, 60_000)
    expect((await counter.stop()).lost).toEqual([])
  })

  it('is made with leave, stopped first, saying for how long it was away', async () => {
    const core = await coreContainers(server)
    const { code, result, events } = await ask(server, ['core', changed, '--allow-core'])
    expect({ code, message: result?.message }).toEqual({ code: 0, message: 'replaced traefik' })
    expect(JSON.stringify(events)).toMatch(/traefik was away for/)
    const after = await coreContainers(server)
    expect(after.get('traefik')).not.toBe(core.get('traefik'))
    expect(after.get('orthanc')).toBe(core.get('orthanc'))
    await waitFor('health', async () => (await agent(server, ['health'])).code === 0, 120_000)
    const counter = await count(site.lab, server)
    expect(await ask(server, ['deploy', changed, ...QUICK])).toMatchObject({ code: 0, result: { outcome: 'deployed' } })
    expect((await counter.stop()).lost).toEqual([])
  })
})

describe('a release that brings an agent', () => {
  it('newer than the one that runs lets it take over, with the same transaction and no lost request', async () => {
    await site.repository.bringAgent(await agentOfVersion('0.2.0'))
    await site.repository.release('version-2.patch')
    // What runs here since the tests before.
    await site.repository.edit(TRAEFIK, quieter)
    const release = await site.repository.build()
    const counter = await count(site.lab, server)
    const { stdout, code, stderr } = await agent(server, ['core', release])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const [, id = ''] = /^(core-\S+): accepted/m.exec(stdout) ?? []
    expect((await statusOf(server)).agent.version).toBe('0.2.0')
    const journal = await journalOf(server, id)
    expect(journal.filter((event) => event.seq === 1)).toHaveLength(1)
    expect(journal.at(-1)).toMatchObject({ type: 'result', result: { outcome: 'unchanged' } })
    expect(await ask(server, ['deploy', release, ...QUICK])).toMatchObject({ code: 0, result: { outcome: 'deployed' } })
    const report = await counter.stop()
    expect(report.lost).toEqual([])
    expect(report.instances.size).toBe(2)
  })

  it('that dies at its start is refused by name, and the previous agent goes on', async () => {
    const before = await statusOf(server)
    await site.repository.bringAgent(
      `if (process.argv[2] === 'version') console.log('0.3.0')\nelse process.exitCode = 3\n`,
    )
    const release = await site.repository.build()
    const { code, stderr } = await agent(server, ['deploy', release, ...QUICK])
    expect(code).toBe(10)
    expect(stderr).toMatch(/refused: release \S+ brings agent 0\.3\.0, which ended on this server before it was ready/)
    const after = await statusOf(server)
    expect(after.agent.version).toBe('0.2.0')
    expect(after.serving).toEqual(before.serving)
  })
})
