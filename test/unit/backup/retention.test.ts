import { describe, expect, test } from 'vitest'
import { chooseKept, retentionSchema } from '../../../src/backup/retention.ts'

const DAY = 86_400_000
const standard = retentionSchema.parse({})

function nightly(from: string, nights: number) {
  return Array.from({ length: nights }, (_, night) => {
    const startedAt = new Date(Date.parse(from) + night * DAY).toISOString()
    return { id: startedAt, startedAt }
  })
}

describe('twelve years of nightly backups, pruned every night', () => {
  const start = Date.parse('2020-01-01T01:30:00Z')
  let there: { id: string; startedAt: string }[] = []
  const oldestAge: number[] = []
  for (const backup of nightly('2020-01-01T01:30:00Z', 12 * 366)) {
    there.push(backup)
    const kept = chooseKept(there, standard)
    there = there.filter(({ id }) => kept.has(id))
    const now = Date.parse(backup.startedAt)
    if (now - start > 7 * 366 * DAY) oldestAge.push((now - Date.parse(there[0]?.startedAt ?? '')) / DAY)
  }

  test('always reach back 6 years', () => {
    expect(oldestAge.length).toBeGreaterThan(1000)
    expect(Math.min(...oldestAge)).toBeGreaterThanOrEqual(6 * 365)
  })

  test('stay as few as was asked for', () => {
    expect(there.length).toBeLessThanOrEqual(10 + 14 + 8 + 24 + 8)
  })

  test('hold each of the last 14 days', () => {
    const newest = there.at(-1)?.startedAt ?? ''
    const days = new Set(there.map(({ startedAt }) => startedAt.slice(0, 10)))
    for (let back = 0; back < 14; back++) {
      expect(days).toContain(new Date(Date.parse(newest) - back * DAY).toISOString().slice(0, 10))
    }
  })
})

test('keeps the newest of a day, and counts only days that have one', () => {
  const backups = ['2026-11-01T01:00', '2026-11-20T01:00', '2026-11-20T23:00', '2026-11-24T01:00'].map((time) => ({
    id: time,
    startedAt: `${time}:00.000Z`,
  }))
  const kept = chooseKept(backups, { last: 1, daily: 2, weekly: 0, monthly: 0, yearly: 0 })
  expect([...kept].sort()).toEqual(['2026-11-20T23:00', '2026-11-24T01:00'])
})

test('keeps the last ones, whatever their day', () => {
  const kept = chooseKept(nightly('2026-01-01T00:00:00Z', 3), { last: 2, daily: 0, weekly: 0, monthly: 0, yearly: 0 })
  expect([...kept]).toEqual(['2026-01-03T00:00:00.000Z', '2026-01-02T00:00:00.000Z'])
})

test('a week is the one of its Thursday', () => {
  const backups = ['2024-12-30', '2025-01-05', '2025-01-06'].map((date) => ({
    id: date,
    startedAt: `${date}T00:00:00Z`,
  }))
  const kept = chooseKept(backups, { last: 1, daily: 0, weekly: 9, monthly: 0, yearly: 0 })
  expect([...kept].sort()).toEqual(['2025-01-05', '2025-01-06'])
})

test('fewer than 8 yearly backups are refused, with the reason', () => {
  expect(() => retentionSchema.parse({ yearly: 7 })).toThrow(/at least 8.*6 years/)
})
