// What set-up would do here, for people and for programs.
import { table } from '../cli/table.ts'
import type { Judgement } from './step.ts'

export interface Report {
  schema: 1
  /** What must be mended before anything can be set up. */
  problems: readonly string[]
  warnings: readonly string[]
  steps: readonly Judgement[]
}

const STATES = {
  ok: 'ok',
  change: 'differs',
  impossible: 'not possible',
  'left-out': 'left out',
  failed: 'cannot be judged',
} as const

/** One line per step, and one for everything that differs. */
export function reportTable({ warnings, steps }: Report): string[] {
  const rows = steps.flatMap(({ id, title, state, details }) => [
    [id, STATES[state], details[0] ?? title],
    ...details.slice(1).map((detail) => ['', '', detail]),
  ])
  return [...warnings.map((warning) => `warning: ${warning}`), ...table([['STEP', 'STATE', 'WHAT'], ...rows])]
}

/** What a run would change, in its order. */
export function planLines({ warnings, steps }: Report): string[] {
  const changes = steps.filter(({ state }) => state === 'change')
  const lines = changes.flatMap(({ id, title, details }) => [
    `${id}: ${title}`,
    ...(details.length === 0
      ? ['  would be finished: a run was cut in it']
      : details.map((detail) => `  would change: ${detail}`)),
  ])
  const not = steps.flatMap(({ id, state, details }) =>
    state === 'impossible' || state === 'failed' ? [`${id}: ${details.join('; ')}`] : [],
  )
  return [
    ...warnings.map((warning) => `warning: ${warning}`),
    ...(lines.length === 0 ? ['nothing would change'] : lines),
    ...not,
  ]
}

/** Whether a run would change nothing. */
export function isSettled({ problems, steps }: Report): boolean {
  return problems.length === 0 && steps.every(({ state }) => state !== 'change' && state !== 'failed')
}
