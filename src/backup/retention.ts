import { z } from 'zod'

/** How many backups are kept of each kind; 8 yearly ones always reach back 6 years (the newest of the year before them may be of its last day), as an audit's records must (45 CFR 164.316(b)(2)(i)). */
export const retentionSchema = z.strictObject({
  /** The newest of all, whatever their day: one taken before a migration is not displaced by the next. */
  last: z.int().min(1).default(10),
  daily: z.int().min(1).default(14),
  weekly: z.int().min(0).default(8),
  monthly: z.int().min(0).default(24),
  yearly: z
    .int()
    .min(8, 'must be at least 8: fewer yearly backups do not reach back the 6 years that an audit asks for')
    .default(8),
})
export type Retention = z.infer<typeof retentionSchema>

/** A complete backup as retention sees it. */
interface Aged {
  id: string
  /** ISO 8601. */
  startedAt: string
}

const PERIODS = {
  daily: (date: string) => date.slice(0, 10),
  weekly: isoWeek,
  monthly: (date: string) => date.slice(0, 7),
  yearly: (date: string) => date.slice(0, 4),
} as const

const KINDS = ['daily', 'weekly', 'monthly', 'yearly'] as const

/**
 * Chooses the backups to keep: the newest of each of the last days, weeks, months and years that have one (UTC), and the
 * last of all. A quiet month takes no place.
 */
export function chooseKept(backups: readonly Aged[], retention: Retention): Set<string> {
  const newestFirst = [...backups].sort((a, b) => (a.startedAt < b.startedAt ? 1 : -1))
  const kept = new Set(newestFirst.slice(0, retention.last).map(({ id }) => id))
  for (const kind of KINDS) {
    const periodOf = PERIODS[kind]
    const seen = new Set<string>()
    for (const { id, startedAt } of newestFirst) {
      const period = periodOf(startedAt)
      if (seen.has(period)) continue
      if (seen.size === retention[kind]) break
      seen.add(period)
      kept.add(id)
    }
  }
  return kept
}

/** `2026-W48`: the week of its Thursday. */
function isoWeek(date: string): string {
  const day = new Date(`${date.slice(0, 10)}T00:00:00Z`)
  day.setUTCDate(day.getUTCDate() + 4 - (day.getUTCDay() || 7))
  const first = Date.UTC(day.getUTCFullYear(), 0, 1)
  const week = Math.ceil(((day.getTime() - first) / 86_400_000 + 1) / 7)
  return `${day.getUTCFullYear()}-W${String(week).padStart(2, '0')}`
}
