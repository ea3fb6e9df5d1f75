import { describe, expect, it } from 'vitest'
import { eventText } from '../../../src/migrations/event-text.ts'
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
