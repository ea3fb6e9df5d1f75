import { X509Certificate } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { Restarting } from '../../../src/agent/api/service.ts'
import { requestSchema, type TransactionRequestInput } from '../../../src/agent/protocol.ts'
import type { Journal } from '../../../src/agent/transaction/journal.ts'
import { Failure } from '../../../src/lib/index.ts'
import { CertificateAuthority } from '../../lab/certificates.ts'
import { freshServer } from './fresh-server.ts'
import { ask, audited, back, deployOf, diesIn, PAGE_LOAD, resultOf, submit } from './life.ts'
import { MemoryWorld, memoryRelease } from './memory-world.ts'

const here = freshServer()

/** The graces of the removals of a world from now on, with the routers that stood at that time. */
function removals(world: MemoryWorld) {
  const seen: { routers: string[]; grace: number | undefined }[] = []
  const { engine } = world
  const remove = engine.remove
  engine.remove = (names, grace) => {
    if (names.length > 0) seen.push({ routers: here.routers(), grace })
    return remove(names, grace)
  }
  return seen
}

describe('a deploy', () => {
  it('serves the first release of an empty server', async () => {
    await using life = await here.start()
    expect(await ask(life.agent, deployOf(1))).toMatchObject({
      outcome: 'deployed',
      direction: 'forward',
      previous: null,
    })
    expect(here.server.public().serves).toBe(true)
    expect(here.server.state).toMatchObject({ phase: 'idle', transaction: null, candidate: null, warm: null })
  })

  it('begins also where the journal of the one before cannot be read', async () => {
    await using life = await here.start()
    const first = await submit(life.agent, deployOf(1))
    await resultOf(life.agent, first)
    await writeFile(join(here.directory, `${first}.jsonl`), '{"seq":1,{"seq":2}\n{}\n')
    expect(await ask(life.agent, deployOf(2))).toMatchObject({ outcome: 'deployed' })
    expect(life.logged).not.toEqual([])
  })

  it('keeps the previous release warm, and is unchanged when asked again', async () => {
    await using life = await here.start()
    await ask(life.agent, deployOf(1))
    expect(await ask(life.agent, deployOf(2))).toMatchObject({ outcome: 'deployed', previous: memoryRelease(1).id })
    expect(here.server.state.warm?.instance.release).toBe(memoryRelease(1).id)
    expect(await ask(life.agent, deployOf(2))).toMatchObject({ outcome: 'unchanged', serving: memoryRelease(2).id })
    expect(here.server.broken).toEqual([])
  })

  it('is refused with a certificate that does not hold, which stops neither a rollback nor a backup', async () => {
    await using life = await here.start()
    await ask(life.agent, deployOf(1))
    await ask(life.agent, deployOf(2))
    here.server.certificate = { certificate: 'nothing', key: 'nothing' }
    expect(await ask(life.agent, deployOf(3))).toMatchObject({
      outcome: 'bad-input',
      message: expect.stringContaining('is no certificate in PEM'),
    })
    expect(await ask(life.agent, { kind: 'backup', actor: 'jane' })).toMatchObject({ outcome: 'done' })
    expect(await ask(life.agent, back())).toMatchObject({ outcome: 'deployed', direction: 'back' })
    expect(here.server.broken).toEqual([])
  })

  it.each([
    ['warm', true],
    ['older', false],
  ])('gone back to while it is %s says that the certificate of its time expired', async (_what, isWarm) => {
    await using life = await here.start()
    const folder = join(here.directory, 'ca')
    await mkdir(folder)
    const authority = new CertificateAuthority(folder)
    await authority.create('of a test')
    const { certificate, key } = await authority.issue(['pacs.example'])
    const old = { certificate: await readFile(certificate, 'utf8'), key: await readFile(key, 'utf8') }
    const { validToDate } = new X509Certificate(old.certificate)
    const ofFirst = here.server.config
    life.world.certificateOf = async ({ config }) => (config === ofFirst ? old : null)
    await ask(life.agent, deployOf(1))
    here.server.config = 'decade0123456789'
    await ask(life.agent, deployOf(2))
    expect((await ask(life.agent, back())).message).not.toContain('expired')
    await ask(life.agent, deployOf(2))
    if (!isWarm) await ask(life.agent, deployOf(3))
    here.server.time = validToDate.getTime() + 1
    const { reference } = memoryRelease(1)
    expect(await ask(life.agent, back(1))).toMatchObject({
      outcome: 'deployed',
      message: expect.stringContaining(
        `; its certificate expired on ${validToDate.toISOString().slice(0, 10)}: pacs-agent deploy ${reference} brings it`,
      ),
    })
    await ask(life.agent, back(2))
    const current = { ...back(1), config: 'current' } as TransactionRequestInput
    expect((await ask(life.agent, current)).message).not.toContain('expired')
    expect(here.server.broken).toEqual([])
  })

  it('is refused by an engine or a Compose that is missing or too old, until that is mended; a rollback is not', async () => {
    await using life = await here.start()
    await ask(life.agent, deployOf(1))
    await ask(life.agent, deployOf(2))
    const before = here.server.state
    const { engine } = life.world
    engine.version = async () => '20.10.24+dfsg1'
    engine.composeVersion = async () => null
    const submit = () => life.agent.submit('old-engine', requestSchema.parse(deployOf(3)), 'deploy')
    // Compose was new enough at the first deploy, and is not asked again.
    await expect(submit()).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringMatching(
        /^Docker Engine is 20\.10\.24\S*, too old, 26\.1\.0 or newer is needed: install [^;\n]+$/,
      ),
    })
    engine.version = async () => {
      throw new Failure('error', 'the container engine does not answer')
    }
    await expect(submit()).rejects.toMatchObject({ kind: 'refused', message: 'the container engine does not answer' })
    expect(here.server.state).toEqual(before)
    expect(await ask(life.agent, back())).toMatchObject({ outcome: 'deployed', direction: 'back' })

    await using next = await here.start()
    next.world.engine.composeVersion = async () => '2.25.0-1'
    await expect(ask(next.agent, deployOf(3))).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringMatching(/^Docker Compose is 2\.25\.0-1, too old, 2\.26\.0 or newer is needed/),
    })
    next.world.engine.composeVersion = async () => '2.26.0'
    expect(await ask(next.agent, deployOf(3))).toMatchObject({ outcome: 'deployed' })
    expect(here.server.broken).toEqual([])
  })

  it('is refused, all at once, by a clock that lags behind the release and by memory for one release only', async () => {
    await using life = await here.start()
    await ask(life.agent, deployOf(1))
    const { serving } = here.server.state
    here.server.time = Date.parse(memoryRelease(2).manifest.created) - 6 * 60_000
    life.world.availableMemory = async () => 0
    const { outcome, message } = await ask(life.agent, deployOf(2))
    expect(outcome).toBe('refused')
    expect(message.split('; ')).toEqual([
      `${memoryRelease(2).id} was made 360 s in the future of this server's clock: set the clock`,
      expect.stringMatching(
        /^a second release beside the first may use 0\.0 GiB of memory, and 0\.0 GiB are available$/,
      ),
    ])
    expect([here.server.state.serving, here.server.containers.size]).toEqual([serving, 2])
  })

  it('of the same release with another configuration is a new instance', async () => {
    await using life = await here.start()
    await ask(life.agent, deployOf(1))
    here.server.config = 'decaf00123456789'
    expect(await ask(life.agent, deployOf(1))).toMatchObject({ outcome: 'deployed' })
    expect(here.server.state.serving?.config).toBe(here.server.config)
    expect(here.server.state.warm?.instance.release).toBe(memoryRelease(1).id)
  })

  it('that never gets ready is undone while the old release serves', async () => {
    await using life = await here.start()
    await ask(life.agent, deployOf(1))
    here.server.behaviours.set(memoryRelease(2).id, { neverReady: true })
    const result = await ask(life.agent, deployOf(2))
    expect(result).toMatchObject({ outcome: 'rolled-back', serving: memoryRelease(1).id })
    expect(result.message).toContain('web is unhealthy (/ready last answered: status 503)')
    expect(here.server.containers.size).toBe(2)
    expect(here.server.broken).toEqual([])
  })

  it('that answers 5xx once public is undone, with the evidence', async () => {
    await using life = await here.start()
    await ask(life.agent, deployOf(1))
    here.server.behaviours.set(memoryRelease(2).id, { publicErrors: true })
    const result = await ask(life.agent, deployOf(2))
    expect(result).toMatchObject({ outcome: 'rolled-back', serving: memoryRelease(1).id })
    expect(result.message).toMatch(/\d+ of \d+ requests answered with a 5xx within 5 s/)
    expect(here.server.public().instance).toBe(here.server.state.serving?.i8)
  })

  it('that was public and is undone has its result at once, and stops when its open pages have loaded', async () => {
    {
      await using life = await here.start()
      await ask(life.agent, deployOf(1))
      here.server.behaviours.set(memoryRelease(2).id, { publicErrors: true })
      await ask(life.agent, deployOf(2))
      expect(here.server.state.undone?.instance.release).toBe(memoryRelease(2).id)
      expect(here.routers()).toEqual(['public-web', `assets-web-${here.server.state.undone?.instance.i8}`])
      expect(here.server.containers.size).toBe(4)
    }
    here.server.time += PAGE_LOAD
    const world = new MemoryWorld(here.server)
    const seen = removals(world)
    await using _later = await here.start(world)
    await expect.poll(() => here.server.containers.size).toBe(2)
    expect(seen).toEqual([{ routers: ['public-web'], grace: undefined }])
    expect(here.server.state.undone).toBe(null)
    expect(here.server.broken).toEqual([])
  })

  it('that nobody was sent to is killed, since its grace is for requests', async () => {
    await using life = await here.start()
    await ask(life.agent, deployOf(1))
    here.server.behaviours.set(memoryRelease(2).id, { neverReady: true })
    const seen = removals(life.world)
    await ask(life.agent, deployOf(2))
    expect(seen).toMatchObject([{ grace: 0 }])
    expect(here.server.state.undone).toBe(null)
  })

  it('that was undone is pruned once nothing was asked for a while', async () => {
    await using life = await here.start(undefined, undefined, 5)
    here.server.behaviours.set(memoryRelease(1).id, { neverReady: true })
    expect(await ask(life.agent, deployOf(1))).toMatchObject({ outcome: 'rolled-back' })
    here.server.prunedDuring.length = 0
    await expect.poll(() => here.server.prunedDuring).toEqual([null])
  })

  it('is undone also where a stranger on its network keeps that, which goes once it can', async () => {
    await using life = await here.start(undefined, undefined, 5)
    await ask(life.agent, deployOf(1))
    here.server.behaviours.set(memoryRelease(2).id, { neverReady: true })
    const { engine } = life.world
    const { removeNetworks } = engine
    engine.removeNetworks = async () => {
      throw new Failure('error', 'docker network ended with 1: network pacs-x has active endpoints')
    }
    const id = await submit(life.agent, deployOf(2))
    expect(await resultOf(life.agent, id)).toMatchObject({ outcome: 'rolled-back', serving: memoryRelease(1).id })
    const notes: string[] = []
    for await (const event of life.journal.recorded(id)) if (event.type === 'note') notes.push(event.message)
    expect(notes.at(-1)).toMatch(/^networks of pacs-\w{8} stay until a later prune: .* has active endpoints$/)
    expect(await ask(life.agent, { kind: 'backup', actor: 'jane' })).toMatchObject({ outcome: 'done' })
    expect(here.server.networks.size).toBe(2)
    engine.removeNetworks = removeNetworks
    expect(await ask(life.agent, deployOf(3))).toMatchObject({ outcome: 'deployed' })
    const kept = [here.server.state.serving?.instance, here.server.state.warm?.instance.instance]
    await expect.poll(() => [...here.server.networks.values()].toSorted()).toEqual(kept.toSorted())
    expect(here.server.broken).toEqual([])
  })

  it('of the release that was just undone starts it anew', async () => {
    await using life = await here.start()
    await ask(life.agent, deployOf(1))
    here.server.behaviours.set(memoryRelease(2).id, { publicErrors: true })
    await ask(life.agent, deployOf(2))
    here.server.behaviours.clear()
    const seen = removals(life.world)
    expect(await ask(life.agent, deployOf(2))).toMatchObject({ outcome: 'deployed', serving: memoryRelease(2).id })
    expect(seen).toMatchObject([{ grace: undefined }])
    expect(here.server.state.undone).toBe(null)
    expect(here.server.containers.size).toBe(4)
    expect(here.server.broken).toEqual([])
  })

  it('waits for nothing that the seal superseded, and neither does the next one', async () => {
    await using life = await here.start()
    await ask(life.agent, deployOf(1))
    await ask(life.agent, deployOf(2))
    const { engine } = life.world
    const remove = engine.remove
    let stop: () => void = () => undefined
    const stopping = new Promise<void>((resolve) => {
      stop = resolve
    })
    engine.remove = async (names, grace) => {
      await stopping
      return remove(names, grace)
    }
    expect(await ask(life.agent, deployOf(3))).toMatchObject({ outcome: 'deployed' })
    expect(await ask(life.agent, deployOf(4))).toMatchObject({ outcome: 'deployed' })
    stop()
    await expect.poll(() => here.server.containers.size).toBe(4)
    expect(here.server.broken).toEqual([])
  })

  it('of a release that is on its way out ends that first', async () => {
    await using life = await here.start()
    for (const number of [1, 2]) await ask(life.agent, deployOf(number))
    const [left] = [...here.server.containers.values()].map((one) => one.labels['pacs.instance'])
    const { engine } = life.world
    const { remove } = engine
    // The sweep, which runs beside no transaction, is not done with it yet when it is asked for again.
    engine.remove = (names, grace) =>
      here.server.state.transaction ? remove(names, grace) : new Promise(() => undefined)
    await ask(life.agent, deployOf(3))
    expect([...here.server.containers.values()].some((one) => one.labels['pacs.instance'] === left)).toBe(true)
    const before = new Set([...here.server.containers.values()].filter((one) => one.labels['pacs.instance'] === left))
    expect(await ask(life.agent, deployOf(1))).toMatchObject({ outcome: 'deployed', serving: memoryRelease(1).id })
    expect([...here.server.containers.values()].some((one) => before.has(one))).toBe(false)
    expect(here.server.broken).toEqual([])
  })

  it('that fails on an empty server leaves nothing and says so', async () => {
    await using life = await here.start()
    here.server.behaviours.set(memoryRelease(1).id, { neverReady: true })
    const result = await ask(life.agent, deployOf(1))
    expect(result).toMatchObject({ outcome: 'rolled-back', serving: null })
    expect(result.message).toContain('nothing serves (it was the first installation)')
    expect(here.server.containers.size).toBe(0)
  })

  it('of the release that is still warm takes its running instance, and neither a seal nor an undo stops that', async () => {
    await using life = await here.start()
    await ask(life.agent, deployOf(1))
    await ask(life.agent, deployOf(2))
    expect(await ask(life.agent, deployOf(1))).toMatchObject({ outcome: 'deployed', serving: memoryRelease(1).id })
    expect(here.server.state.warm?.instance.release).toBe(memoryRelease(2).id)
    here.server.behaviours.set(memoryRelease(2).id, { publicErrors: true })
    expect(await ask(life.agent, deployOf(2))).toMatchObject({ outcome: 'rolled-back', serving: memoryRelease(1).id })
    expect(here.server.containers.size).toBe(4)
    expect(here.server.broken).toEqual([])
  })

  it('of a warm release that no longer answers starts it anew', async () => {
    await using life = await here.start()
    await ask(life.agent, deployOf(1))
    await ask(life.agent, deployOf(2))
    const [dead] = here.server.state.warm?.instance.services[0]?.containers ?? []
    const container = here.server.containers.get(dead ?? '')
    if (!container) throw new Error('nothing is warm')
    container.running = false
    life.world.trace.length = 0
    expect(await ask(life.agent, deployOf(1))).toMatchObject({ outcome: 'deployed', serving: memoryRelease(1).id })
    expect(life.world.trace).toContain('remove')
    expect(here.server.broken).toEqual([])
  })

  it('whose undo cannot finish says so, keeps the lock, and is undone when asked to abort', async () => {
    await using life = await here.start()
    await ask(life.agent, deployOf(1))
    here.server.behaviours.set(memoryRelease(2).id, { neverReady: true })
    here.server.trafficBroken = true
    const result = await ask(life.agent, deployOf(2))
    expect(result.outcome).toBe('failed')
    expect(result.message).toContain('pacs-agent abort')
    expect(here.server.state.failed).toMatchObject({ kind: 'deploy', result })
    await expect(ask(life.agent, deployOf(3))).rejects.toMatchObject({ kind: 'locked' })
    // A start whose undo fails again still lets run on what a backup had paused.
    const { tidied } = here.server
    await using restarted = await here.start()
    expect(here.server.tidied).toBe(tidied + 1)
    expect(restarted.logged.join()).toContain('pacs-agent abort')
    here.server.trafficBroken = false
    await life.agent.abort(here.server.state.transaction?.id ?? '')
    expect(here.server.state).toMatchObject({ phase: 'idle', transaction: null, candidate: null, failed: null })
    expect(await ask(life.agent, deployOf(3))).toMatchObject({ outcome: 'deployed' })
  })
})

/** Milliseconds: time passes as the work does, however busy the machine is. */
const PATIENCE = { timeout: 20_000 }

describe('the warm release', () => {
  const noKeepWarm = { ...deployOf(2), keepWarm: 0 } as TransactionRequestInput
  const warmth = async () => {
    const life = await here.start()
    await ask(life.agent, deployOf(1))
    return life
  }

  it('is not ended by the clock while it answers requests', async () => {
    await using life = await warmth()
    here.server.inFlight = '1'
    await ask(life.agent, noKeepWarm)
    await expect.poll(() => life.logged.join()).toContain(`${memoryRelease(1).id} still answers 2 requests`)
    await setTimeout(50)
    expect(here.server.state.warm?.instance.release).toBe(memoryRelease(1).id)
    expect(life.logged.length).toBe(1)
    here.server.inFlight = '0'
    await expect.poll(() => here.server.containers.size).toBe(2)
    expect(here.server.state.warm).toBe(null)
  })

  it('ends an hour after keep-warm though it answers requests', async () => {
    await using life = await warmth()
    here.server.inFlight = '1'
    await ask(life.agent, noKeepWarm)
    await expect.poll(() => life.logged.join()).toContain('still answers')
    expect(here.server.state.warm).not.toBe(null)
    here.server.time += 3_600_000
    await expect.poll(() => here.server.state.warm).toBe(null)
  })

  it('whose requests cannot be counted ends with keep-warm, which is said', async () => {
    await using life = await warmth()
    here.server.inFlight = 'many'
    await ask(life.agent, noKeepWarm)
    await expect.poll(() => here.server.state.warm).toBe(null)
    expect(life.logged[0]).toMatch(/^pacs-\S+: its requests count as none: \/metrics has no number of in_flight$/)
  })
})

describe('the audit', () => {
  const outcomes = async (journal: Journal, id: string) => {
    const found: string[] = []
    for await (const event of journal.recorded(id)) if (event.type === 'result') found.push(event.result.outcome)
    return found
  }

  it('ends, as the journal, with the undo that failed at first and was done later, said once', async () => {
    await using life = await here.start(undefined, 0)
    await ask(life.agent, deployOf(1))
    here.server.behaviours.set(memoryRelease(2).id, { neverReady: true })
    here.server.trafficBroken = true
    const id = await submit(life.agent, deployOf(2))
    expect(await resultOf(life.agent, id)).toMatchObject({ outcome: 'failed' })
    // Nor does an attempt that fails again say anything.
    await expect.poll(() => life.logged.length, PATIENCE).toBeGreaterThan(2)
    expect(await audited(here.directory, id)).toEqual(['failed'])
    here.server.trafficBroken = false
    await expect.poll(() => audited(here.directory, id), PATIENCE).toEqual(['failed', 'rolled-back'])
    await expect.poll(() => outcomes(life.journal, id), PATIENCE).toEqual(['failed', 'rolled-back'])
    await using next = await here.start()
    await ask(next.agent, deployOf(1))
    expect(await audited(here.directory, id)).toEqual(['failed', 'rolled-back'])
    expect(await outcomes(next.journal, id)).toEqual(['failed', 'rolled-back'])
  })

  it('has the result of what an agent that died had begun', async () => {
    await using life = await here.start()
    await ask(life.agent, deployOf(1))
    const world = new MemoryWorld(here.server, 4)
    await using killed = await here.start(world)
    expect(await diesIn(killed, 'killed', deployOf(2))).toBe(true)
    expect(await audited(here.directory, 'killed')).toEqual([])
    await using next = await here.start()
    const { outcome } = await resultOf(next.agent, 'killed')
    expect(await audited(here.directory, 'killed')).toEqual([outcome])
  })

  it('that could not be written is written later, before anybody is told', async () => {
    await using life = await here.start(undefined, 5)
    await ask(life.agent, deployOf(1))
    const { jobs } = life.world
    const { backup } = jobs
    const [day] = (await readdir(here.directory)).filter((name) => /^\d{4}-\d\d-\d\d\.jsonl$/.test(name))
    const path = join(here.directory, day ?? '')
    jobs.backup = async (...work) => {
      await rename(path, `${path}.away`)
      await mkdir(path)
      return backup(...work)
    }
    const id = await submit(life.agent, { kind: 'backup', actor: 'jane' })
    await expect.poll(() => life.logged.join(), PATIENCE).toContain('could not be written: EISDIR')
    expect(await outcomes(life.journal, id)).toEqual([])
    await rmdir(path)
    expect(await resultOf(life.agent, id)).toMatchObject({ outcome: 'done' })
    expect(await audited(here.directory, id)).toEqual(['done'])
  })
})

describe('a transaction whose end cannot be written, as on a full disk,', () => {
  /** The disk is full once the state has come to `phase`. */
  const fillIn = ({ store }: MemoryWorld, phase?: string) => {
    const { write } = store
    const disk = { isFull: false }
    store.write = async (next) => {
      if (disk.isFull) throw new Error('ENOSPC: no space left')
      await write(next)
      if (next.phase === phase) disk.isFull = true
    }
    return disk
  }

  it('is undone once there is room, without a person, and has its result', async () => {
    await using life = await here.start(undefined, 5)
    await ask(life.agent, deployOf(1))
    here.server.behaviours.set(memoryRelease(2).id, { publicErrors: true })
    const disk = fillIn(life.world, 'switched')
    const id = await submit(life.agent, deployOf(2))
    await expect.poll(() => life.logged.join()).toContain('could not be written: ENOSPC')
    await expect(ask(life.agent, deployOf(3))).rejects.toMatchObject({ kind: 'locked' })
    disk.isFull = false
    expect(await resultOf(life.agent, id)).toMatchObject({ outcome: 'rolled-back', serving: memoryRelease(1).id })
    expect(here.server.state).toMatchObject({ phase: 'idle', transaction: null })
    expect(here.server.broken).toEqual([])
  })

  it('keeps the lock no longer than that where there is nothing to undo', async () => {
    await using life = await here.start(undefined, 5)
    await ask(life.agent, deployOf(1))
    const disk = fillIn(life.world)
    const { jobs } = life.world
    const { backup } = jobs
    jobs.backup = (...work) => backup(...work).finally(() => (disk.isFull = true))
    const id = await submit(life.agent, { kind: 'backup', actor: 'jane' })
    await expect.poll(() => life.logged.join()).toContain('could not be written: ENOSPC')
    disk.isFull = false
    expect(await resultOf(life.agent, id)).toMatchObject({ outcome: 'refused', serving: memoryRelease(1).id })
    expect(here.server.state).toMatchObject({ phase: 'idle', transaction: null })
  })
})

describe('one lock', () => {
  it('tells a second deploy who holds it and since when', async () => {
    await using life = await here.start()
    await life.agent.submit('first-deploy', requestSchema.parse(deployOf(1)), 'deploy')
    await expect(ask(life.agent, deployOf(2))).rejects.toThrow(/deploy first-deploy of jane runs since 2026-11-24T/)
    await resultOf(life.agent, 'first-deploy')
  })

  it('is left to a deploy by a backup that is whole, whose copy waits, but not to another backup', async () => {
    await using life = await here.start()
    await ask(life.agent, deployOf(1))
    const whole = Promise.withResolvers<void>()
    life.world.jobs.backup = async (_work, { report, signal }) => {
      await whole.promise
      await report.step('copy', 'to the second repository')
      if (!signal.aborted) await new Promise((end) => signal.addEventListener('abort', end))
      return 'backup 1 holds all; the second repository lacks it'
    }
    const id = await submit(life.agent, { kind: 'backup', actor: 'jane' })
    await expect(ask(life.agent, deployOf(2))).rejects.toMatchObject({ kind: 'locked' })
    whole.resolve()
    await expect.poll(async () => (await life.agent.status()).transaction?.step).toBe('copy')
    await expect(ask(life.agent, { kind: 'backup', actor: 'joe' })).rejects.toMatchObject({ kind: 'locked' })
    expect(await ask(life.agent, deployOf(2))).toMatchObject({ outcome: 'deployed' })
    expect(await resultOf(life.agent, id)).toMatchObject({
      outcome: 'done',
      message: expect.stringContaining('lacks it'),
    })
  })

  it('takes the same id twice as one', async () => {
    await using life = await here.start()
    await life.agent.submit('first-deploy', requestSchema.parse(deployOf(1)), 'deploy')
    await life.agent.submit('first-deploy', requestSchema.parse(deployOf(1)), 'deploy')
    expect((await resultOf(life.agent, 'first-deploy')).outcome).toBe('deployed')
    expect(here.server.containers.size).toBe(2)
  })

  it('is given to nobody once a newer agent takes over: what is asked meanwhile is asked again of that one', async () => {
    await using life = await here.start()
    await ask(life.agent, deployOf(1))
    const fetched = Promise.withResolvers<void>()
    life.planner.fetch = async () => {
      await fetched.promise
      throw new Restarting('agent 2 takes over')
    }
    const deploy = ask(life.agent, deployOf(2))
    const behind = [
      { kind: 'backup', actor: 'jane' },
      { kind: 'verify', actor: 'jane' },
    ] as const
    const asked = Promise.allSettled(behind.map((request) => submit(life.agent, request)))
    fetched.resolve()
    await expect(deploy).rejects.toThrow(Restarting)
    const rejected = { status: 'rejected', reason: expect.any(Restarting) }
    expect(await asked).toEqual([rejected, rejected])
    await expect(submit(life.agent, back())).rejects.toThrow(Restarting)
    expect(here.server.state.transaction).toBe(null)
  })

  it('waits until the end of keep-warm is cleaned up, so that nothing is pruned under it', async () => {
    await using life = await here.start()
    await ask(life.agent, deployOf(1))
    const { engine } = life.world
    const remove = engine.remove
    let stop: () => void = () => undefined
    const stopping = new Promise<void>((resolve) => {
      stop = resolve
    })
    engine.remove = async (names, grace) => {
      await stopping
      return remove(names, grace)
    }
    await ask(life.agent, { ...deployOf(2), keepWarm: 0 } as TransactionRequestInput)
    await expect.poll(() => here.server.state.warm).toBe(null)
    const third = ask(life.agent, deployOf(3))
    stop()
    expect(await third).toMatchObject({ outcome: 'deployed' })
    expect(here.server.prunedDuring).toEqual([null])
  })

  it('lets a rollback end an unsealed deploy, whose old release serves already', async () => {
    await using life = await here.start()
    await ask(life.agent, deployOf(1))
    await life.agent.submit('second-deploy', requestSchema.parse({ ...deployOf(2), watch: 3_600_000 }), 'deploy')
    const result = await ask(life.agent, back())
    expect(await resultOf(life.agent, 'second-deploy')).toMatchObject({ outcome: 'rolled-back' })
    expect(result).toMatchObject({ outcome: 'deployed', direction: 'back', serving: memoryRelease(1).id })
    expect(here.server.broken).toEqual([])
  })
})
