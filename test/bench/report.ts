import { median } from './statistics.ts'

/** One thing that was measured, with what is allowed. */
export interface Measure {
  name: string
  unit: 'µs' | 'ms' | 's' | 'MB' | 'MB/s' | 'x' | '%' | 'requests' | 'documents' | 'documents/s' | 'instances'
  /** What counts: a median, or the worst of the figures. */
  value: number
  /** What is allowed; null for a figure that is there to compare with. */
  limit: number | null
  /** Whether `limit` is the most or the least that is allowed; the most when absent. */
  bound?: 'most' | 'least'
  /** In the order in which they were taken. */
  figures: readonly number[]
}

/** A measure whose value is the median of its figures. */
export function medianOf(
  name: string,
  unit: Measure['unit'],
  limit: number | null,
  figures: readonly number[],
): Measure {
  return { name, unit, limit, figures: figures.map(tidy), value: tidy(median(figures)) }
}

/** A measure whose value is the largest of its figures. */
export function worstOf(
  name: string,
  unit: Measure['unit'],
  limit: number | null,
  figures: readonly number[],
): Measure {
  return { name, unit, limit, figures: figures.map(tidy), value: tidy(Math.max(...figures)) }
}

/** One figure over another, of which at least `least` is wanted; null for none. */
export function rateOf(name: string, least: number | null, over: Measure, under: Measure): Measure {
  const value = tidy(over.value / under.value)
  return { name, unit: 'x', limit: least, bound: 'least', figures: [value], value }
}

export function isWithin({ value, limit, bound = 'most' }: Measure): boolean {
  return limit === null || (bound === 'most' ? value <= limit : value >= limit)
}

/** A table for a person. */
export function formatTable(measures: readonly Measure[]): string {
  const rows = measures.map((measure) => {
    const { name, value, unit, limit, bound = 'most', figures } = measure
    return [
      name,
      `${value} ${unit}`,
      limit === null ? '' : `at ${bound} ${limit} ${unit}`,
      limit === null ? '' : isWithin(measure) ? 'ok' : bound === 'most' ? 'OVER' : 'UNDER',
      figures.join(' '),
    ]
  })
  const all = [['measure', 'value', 'allowed', '', 'figures'], ...rows]
  const widths = all[0]?.map((_cell, column) => Math.max(...all.map((row) => row[column]?.length ?? 0))) ?? []
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

function tidy(figure: number): number {
  return Math.round(figure * 100) / 100
}
