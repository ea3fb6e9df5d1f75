import { describe, expect, it } from 'vitest'
import { faultsOf, firstToGive, grownOf, type Measured, quantile } from '../../load/judge.ts'
import { MOST_MINUTES, MOST_REQUESTS, profileOf } from '../../load/profiles.ts'
import { report } from '../../load/run.ts'

const MIB = 2 ** 20

function step(parts: Partial<Measured> = {}): Measured {
  return {
    ...{ connections: 8, seconds: 10, sent: 5000, failed: 0, failures: {}, p50: 5, p99: 50, broken: [] },
    saturation: [
      { container: 'backend', processor: 0.4, memory: 0.5, bytes: 100 * MIB },
      { container: 'mongodb', processor: 0.2, memory: 0.6, bytes: 500 * MIB },
    ],
    ...parts,
  }
}

describe('a step of load', () => {
  it('holds with few failures and quick answers', () => {
    expect(faultsOf(step({ failed: 5, failures: { 'status 502': 5 } }))).toEqual([])
  })

  it.each<[Partial<Measured>, RegExp]>([
    [{ failed: 6, failures: { reset: 1, 'status 429': 5 } }, /^6 of 5000 failed: 5 × status 429, 1 × reset$/],
    [{ p99: 2500 }, /^99 % of the answers came within 2500 ms only$/],
    [{ sent: 0 }, /^nothing was sent$/],
    [{ broken: ['pacs-redis-1'] }, /^pacs-redis-1 was ended or started again$/],
  ])('does not hold with %j', (parts, fault) => {
    expect(faultsOf(step(parts))).toEqual([expect.stringMatching(fault)])
  })
})

describe('a run of load', () => {
  const stress = profileOf('stress', 2)
  const full = [{ container: 'backend', processor: 0.97, memory: 0.5, bytes: MIB }]

  it('that looks for a limit finds the last step that holds, and what gave first', () => {
    if (stress === undefined) throw new Error('there is no stress')
    const failing = step({ connections: 16, failed: 900, failures: { 'status 503': 900 }, saturation: full })
    const { good, text, faults } = report(stress, [step({ sent: 9000 }), failing])
    expect(good).toBe(true)
    expect(text).toContain('limit found: 8 connections hold; 900 requests per second are the most, with 8')
    expect(text).toContain('what gives first: backend used 97 % of the processors that it may have')
    expect(faults.map(({ connections }) => connections)).toEqual([16])
    expect(report(stress, [failing])).toMatchObject({
      good: false,
      text: expect.stringContaining('not even the first'),
    })
  })

  it('that never fails says from where on it did no more', () => {
    if (stress === undefined) throw new Error('there is no stress')
    const { good, text } = report(stress, [
      step(),
      step({ connections: 16, sent: 9000 }),
      step({ connections: 32, sent: 8000 }),
    ])
    expect(good).toBe(true)
    expect(text).toContain('no step failed: 32 connections hold; 900 requests per second are the most, with 16')
  })

  it('blames the machine where no container had all of its own, and says when nothing was seen', () => {
    expect(firstToGive([step()])).toMatch(/^no container's own limit \(mongodb used 60 % of the memory/)
    expect(firstToGive([step({ saturation: [] })])).toMatch(/^unknown/)
  })

  it('that lasts is not good when memory grew', () => {
    const endurance = profileOf('endurance', 3)
    if (endurance === undefined) throw new Error('there is no endurance')
    const last = step({ saturation: [{ container: 'backend', processor: 0.4, memory: 0.9, bytes: 200 * MIB }] })
    expect(grownOf([step(), step(), last])).toEqual(['backend: 100 MiB at first, 200 MiB at the end'])
    expect(grownOf([step(), step(), { ...last, connections: 256 }])).toEqual([])
    expect(report(endurance, [step(), step(), last])).toMatchObject({ good: false })
    expect(report(endurance, [step(), step(), step()])).toMatchObject({ good: true })
  })

  it('is bounded in requests and time, whatever it is', () => {
    for (const name of ['load', 'stress', 'spike', 'endurance']) {
      const steps = profileOf(name, MOST_MINUTES)?.steps ?? []
      expect(steps.length).toBeGreaterThan(0)
      expect(steps.reduce((sum, { time }) => sum + time, 0)).toBeLessThanOrEqual(MOST_MINUTES * 60_000)
      expect(Math.max(...steps.map(({ connections }) => connections))).toBeLessThanOrEqual(256)
    }
    expect(MOST_REQUESTS).toBeLessThanOrEqual(1_000_000)
    expect(profileOf('siege', 1)).toBeUndefined()
  })

  it('counts quantiles of what came', () => {
    expect([quantile([3, 1, 2], 0.5), quantile([], 0.99)]).toEqual([2, 0])
  })
})
