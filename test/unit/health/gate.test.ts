import { describe, expect, it } from 'vitest'
import { type Check, type Finding, gate } from '../../../src/health/index.ts'
import { Failure } from '../../../src/lib/index.ts'

const limits = { consecutive: 3, within: 10_000, interval: 0, patience: 5000 }

/** A check that finds what the list says, one a round, and the last of it for ever. */
function scripted(name: string, findings: readonly (boolean | Error)[]): Check & { looks: number } {
  const check = {
    name,
    looks: 0,
    async look(): Promise<Finding> {
      const found = findings[Math.min(check.looks++, findings.length - 1)]
      if (found instanceof Error) throw found
      return { ok: found ?? false, detail: found ? 'fine' : 'broken' }
    },
  }
  return check
}

async function refusal(work: Promise<unknown>): Promise<Failure> {
  try {
    await work
  } catch (thrown) {
    if (thrown instanceof Failure) return thrown
    throw thrown
  }
  throw new Error('the gate let it pass')
}

describe('gate', () => {
  it('opens when every check was good often enough in a row', async () => {
    const [one, two] = [scripted('one', [true]), scripted('two', [true])]
    expect(await gate([one, two], limits)).toEqual([
      { name: 'one', ok: true, detail: 'fine' },
      { name: 'two', ok: true, detail: 'fine' },
    ])
    expect([one.looks, two.looks]).toEqual([3, 3])
  })

  it('counts from the beginning after a bad round', async () => {
    const flaky = scripted('flaky', [true, true, false, true, new Error('reset'), true])
    await gate([flaky], limits)
    expect(flaky.looks).toBe(8)
  })

  it('names what was bad last when the time is over', async () => {
    const checks = [scripted('one', [true]), scripted('two', [false]), scripted('three', [new Error('ECONNREFUSED')])]
    const { kind, message } = await refusal(gate(checks, { ...limits, within: 0, interval: 1 }))
    expect(kind).toBe('unhealthy')
    expect(message).toBe('not well 3 times in a row within 0.0 s: two: broken; three: ECONNREFUSED')
  })

  it('does not take few good rounds for enough', async () => {
    const { message } = await refusal(gate([scripted('one', [true])], { ...limits, within: 0, interval: 1 }))
    expect(message).toContain('good only 1 times in a row')
  })

  it('refuses without anything to look at, and takes silence for bad', async () => {
    expect((await refusal(gate([], limits))).kind).toBe('unhealthy')
    const silent: Check = { name: 'silent', look: () => new Promise(() => {}) }
    const { message } = await refusal(gate([silent], { ...limits, within: 0, interval: 1, patience: 20 }))
    expect(message).toContain('silent: no answer within 20 ms')
  })

  it('stops when the job is cancelled', async () => {
    const cancel = new AbortController()
    const work = gate([scripted('one', [false])], {
      ...limits,
      interval: 60_000,
      within: 600_000,
      signal: cancel.signal,
    })
    cancel.abort(new Failure('unknown', 'cancelled'))
    await expect(work).rejects.toThrow()
  })
})
