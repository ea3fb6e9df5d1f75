import { describe, expect, it } from 'vitest'
import { tallyOf } from '../../demo/tally.ts'
import type { LostRequest } from '../../load/counter.ts'

const STARTED = 1_000_000
/** From 2 s to 5 s of the counter. */
const ANNOUNCEMENT = { from: STARTED + 2000, to: STARTED + 5000 }

function lost(change: Partial<LostRequest>): LostRequest {
  return {
    asked: (change.at ?? 3000) - 5,
    at: 3000,
    request: 'GET /api/version',
    instance: 'bbbb',
    why: 'status 500',
    status: 500,
    ...change,
  }
}

function tally(one: LostRequest, announcement?: typeof ANNOUNCEMENT) {
  const report = {
    startedAt: STARTED,
    sent: 9,
    lost: [one],
    longestGap: 70,
    instances: new Map(),
    moves: [],
    seconds: 8,
  }
  const { failed, announced } = tallyOf(report, announcement)
  return { failed: failed.length, announced: announced.length }
}

describe('an answer 500', () => {
  it('is announced between the switch and the end of the undo', () => {
    expect(tally(lost({}), ANNOUNCEMENT)).toEqual({ failed: 0, announced: 1 })
  })

  it('is announced when it was asked before the end of the undo and came after it', () => {
    expect(tally(lost({ asked: 4999, at: 5400 }), ANNOUNCEMENT)).toEqual({ failed: 0, announced: 1 })
  })

  it.each([1999, 5006])('is a lost request at %i ms, outside of that time', (at) => {
    expect(tally(lost({ at }), ANNOUNCEMENT)).toEqual({ failed: 1, announced: 0 })
  })

  it('is a lost request where nothing was announced', () => {
    expect(tally(lost({}))).toEqual({ failed: 1, announced: 0 })
  })
})

describe('anything else within the announced time', () => {
  it.each([
    lost({ status: 502, why: 'status 502' }),
    lost({ status: null, instance: null, why: 'read ECONNRESET' }),
    lost({ instance: null }),
  ])('is a lost request: %o', (one) => {
    expect(tally(one, ANNOUNCEMENT)).toEqual({ failed: 1, announced: 0 })
  })
})
