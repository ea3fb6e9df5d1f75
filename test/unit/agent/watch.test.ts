// What ends the watch of a new release: its own fault, a trouble that both releases share, or nothing within its time.
import { describe, expect, it } from 'vitest'
import type { Requests } from '../../../src/agent/server/edge.ts'
import { freshServer } from './fresh-server.ts'
import { ask, deployOf } from './life.ts'
import { MemoryWorld, memoryRelease } from './memory-world.ts'

const here = freshServer()
const HOLD = 5000
const bring = { ...deployOf(2), watch: 3000, hold: HOLD }

/** A world in which there is trouble once release 2 is public, told in milliseconds since then; `elapsed` is how far that came. */
function worldWith(trouble: {
  /** The numbers of the releases that answer their probes with 503. */
  sick?: (ms: number) => readonly number[]
  /** What Traefik counts of release 2; null when it does not answer. */
  counted?: (ms: number) => Requests | null
}): { world: MemoryWorld; elapsed: () => number } {
  const world = new MemoryWorld(here.server)
  let began: number | undefined
  const elapsed = () => {
    const { phase, candidate } = here.server.state
    if (phase !== 'switched' || candidate?.release !== memoryRelease(2).id) return -1
    began ??= here.server.time
    return here.server.time - began
  }
  let last = 0
  const probe = world.probe.bind(world)
  world.probe = async (address) => {
    const ms = elapsed()
    last = Math.max(last, ms)
    const owner = here.server.containers.get(address)?.labels['pacs.instance'] ?? ''
    const isSick = ms >= 0 && trouble.sick?.(ms).some((number) => owner.startsWith(memoryRelease(number).id))
    return isSick ? { status: 503, headers: {}, body: '' } : probe(address)
  }
  const { requests } = world.edge
  world.edge.requests = async () => {
    const ms = elapsed()
    if (trouble.counted === undefined || ms < 0) return requests()
    const counted = trouble.counted(ms)
    return counted === null ? null : new Map([[`web-${here.server.state.candidate?.i8}`, counted]])
  }
  return { world, elapsed: () => last }
}

async function outcomeOf(trouble: Parameters<typeof worldWith>[0]) {
  const { world, elapsed } = worldWith(trouble)
  await using life = await here.start(world)
  await ask(life.agent, deployOf(1))
  const { outcome, message } = await ask(life.agent, bring)
  expect(here.server.broken).toEqual([])
  return { outcome, message, elapsed: elapsed() }
}

describe('the probes of a watch', () => {
  it('that fail twice in a row are no fault yet', async () => {
    expect(await outcomeOf({ sick: (ms) => (ms < 2000 ? [2] : []) })).toMatchObject({ outcome: 'deployed' })
  })

  it('that fail three times of the new release alone take it back at once', async () => {
    const { outcome, message, elapsed } = await outcomeOf({ sick: () => [2] })
    expect(outcome).toBe('rolled-back')
    expect(message).toContain('web/ready: status 503 (3 probes in a row)')
    expect(elapsed).toBe(2000)
  })

  it('that fail of both releases, and then of neither, hold the switch until the new one has been watched', async () => {
    const { outcome, elapsed } = await outcomeOf({ sick: (ms) => (ms < 6000 ? [1, 2] : []) })
    expect(outcome).toBe('deployed')
    expect(elapsed).toBeGreaterThanOrEqual(6000)
  })

  it('that fail of both releases for as long as that is held undo the switch, and say that the old one failed too', async () => {
    const { outcome, message, elapsed } = await outcomeOf({ sick: () => [1, 2] })
    expect(outcome).toBe('rolled-back')
    expect(message).toContain('the old release fails too (web/ready: status 503')
    expect(elapsed).toBe(2000 + HOLD)
  })

  it('that fail of both releases, and then of the new one alone, are its fault', async () => {
    const { outcome, message, elapsed } = await outcomeOf({ sick: (ms) => (ms < 4000 ? [1, 2] : [2]) })
    expect(outcome).toBe('rolled-back')
    expect(message).not.toContain('the old release fails too')
    expect(elapsed).toBe(4000)
  })
})

const NONE = { total: 0, errors: 0 }

/** Traefik starts anew and has answered 30 requests with a 5xx when it is asked again; the 90 after them are good. */
function restarted(ms: number): Requests {
  if (ms === 0) return { total: 90, errors: 0 }
  return ms < 1000 ? { total: 30, errors: 30 } : { total: 120, errors: 30 }
}

describe('the answers that Traefik counts', () => {
  it.each<[string, string, (ms: number) => Requests | null]>([
    ['19 requests, all 5xx', 'deployed', (ms) => (ms > 0 ? { total: 19, errors: 19 } : NONE)],
    ['20 requests, one of them 5xx', 'rolled-back', (ms) => (ms > 0 ? { total: 20, errors: 1 } : NONE)],
    ['21 requests, one of them 5xx', 'deployed', (ms) => (ms > 0 ? { total: 21, errors: 1 } : NONE)],
    ['5xx from before the watch', 'deployed', () => ({ total: 500, errors: 500 })],
    ['fewer than before, as after a restart', 'deployed', restarted],
    ['nothing for 2 s', 'deployed', (ms) => (ms < 2000 ? null : NONE)],
  ])('%s: %s', async (_, outcome, counted) => {
    expect(await outcomeOf({ counted })).toMatchObject({ outcome })
  })

  it('nothing at all is no evidence of health', async () => {
    const { outcome, message } = await outcomeOf({ counted: () => null })
    expect(outcome).toBe('rolled-back')
    expect(message).toContain('Traefik does not answer: no evidence of health')
  })
})
