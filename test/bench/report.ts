import { median } from './statistics.ts'

/** One thing that was measured, with what is allowed. */
export interface Measure {
  name: string
  unit: 'ms' | 'MB' | 'x' | 'requests'
  /** What counts: a median, or the worst of the figures. */
  value: number
  /** The most that is allowed; null for a figure that is there to compare with. */
  limit: number | null
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

export function isWithin({ value, limit }: Measure): boolean {
  return limit === null || value <= limit
}

/** A table for a person. */
export function formatTable(measures: readonly Measure[]): string {
  const rows = measures.map((measure) => [
    measure.name,
    `${measure.value} ${measure.unit}`,
    measure.limit === null ? '' : `at most ${measure.limit} ${measure.unit}`,
    measure.limit === null ? '' : isWithin(measure) ? 'ok' : 'OVER',
    measure.figures.join(' '),
  ])
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
