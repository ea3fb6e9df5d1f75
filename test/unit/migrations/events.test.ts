import { describe, expect, it } from 'vitest'
import { appliedText, eventText } from '../../../src/migrations/event-text.ts'
import { type MigrationEvent, meter } from '../../../src/migrations/events.ts'

describe('progress', () => {
  it('has a rate and the time that is left, as soon as there is one', () => {
    let now = 1000
    const events: MigrationEvent[] = []
    const tell = meter(
      '004_words',
      'reports',
      (event) => void events.push(event),
      () => now,
    )
    tell(0, 0, 1000)
    now += 10_000
    tell(150, 200, 1000)
    now += 40_000
    tell(900, 1200, 1000)
    expect(events.map(eventText)).toEqual([
      '004_words: reports, 0 of about 1000 documents, 0 a second',
      '004_words: reports, 200 of about 1000 documents, 20 a second, about 40 s left',
      '004_words: reports, 1200 of about 1000 documents, 24 a second, about 0.0 s left',
    ])
  })
})

describe('what a run did', () => {
  const ids = (count: number) => Array.from({ length: count }, (_, index) => ({ id: `id${index}`, milliseconds: 1 }))

  it('is one line that names ten migrations, and counts the rest and what waits', () => {
    const waiting = ids(21).map(({ id }) => `${id} waits`)
    expect(appliedText({ applied: ids(70), waiting })).toMatch(
      /^applied: id0, .*, id9, and 60 more; id0 waits; .*; id9 waits; and 11 more$/,
    )
    expect(appliedText({ applied: ids(10), waiting: [] })).toMatch(/, id9$/)
    expect(appliedText({ applied: [], waiting: [] })).toBe('nothing was left to apply')
  })
})
