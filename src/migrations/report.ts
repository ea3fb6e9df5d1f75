import { fewOf } from './event-text.ts'
import type { Finding } from './lint/finding.ts'
import type { Plan } from './plan.ts'
import type { Review } from './review.ts'

const SIGNS = { note: '', warning: '⚠ ', error: '✖ ' }

/** Something to look at, and where it stands: a file of the folder of migrations. */
interface Remark extends Pick<Finding, 'id' | 'level' | 'file' | 'line'> {
  text: string
}

/** What would be applied as a table: one row for each migration, what it does here, and what is to be looked at first. */
export function planTable({ plans }: Pick<Review, 'plans'>): { head: string[]; rows: string[][] } {
  const rows = plans.flatMap(({ steps }) =>
    steps.map(({ id, phase, description, again, irreversible, impacts }) => [
      `${id} (${phase}${again ? ', continues' : ''})`,
      description,
      impacts.map(({ level, collection, text }) => `${SIGNS[level]}${about(collection, text)}`).join('; '),
      irreversible === null ? 'yes' : `no: ${irreversible}`,
    ]),
  )
  return { head: ['migration', 'what', 'does here', 'can be undone'], rows }
}

/** What is to be looked at, the worst first. */
export function remarksOf({ plans, findings, drift }: Review): Remark[] {
  const remarks = [
    ...findings.map(({ id, level, file, line, message, fix }) => ({
      id,
      level,
      file,
      line,
      text: `${message}; ${fix}`,
    })),
    ...plans.flatMap(({ steps }) => steps.flatMap(impactsOf)),
    ...drift.map(({ migration, text }) => ({
      ...{ id: 'drift', level: 'warning' as const, file: `${migration}.js`, line: 1 },
      text,
    })),
  ]
  return remarks.toSorted((one, other) => Number(other.level === 'error') - Number(one.level === 'error'))
}

function impactsOf({ id, impacts }: Plan['steps'][number]): Remark[] {
  return impacts.flatMap(({ level, collection, text }) =>
    level === 'note' ? [] : { id: 'impact', level, file: `${id}.js`, line: 1, text: about(collection, text) },
  )
}

/** The review in one sentence. `isGood` is false when a run would be refused, or lint has something against it. */
export function verdictOn(reviewed: Review): { isGood: boolean; text: string } {
  const remarks = remarksOf(reviewed)
  const errors = remarks.filter(({ level }) => level === 'error')
  const ids = reviewed.plans.flatMap(({ steps }) => steps.map(({ id }) => id))
  const waiting = reviewed.plans.flatMap((plan) => plan.waiting)
  const warnings = remarks.length - errors.length
  const [worst] = errors
  const text = [
    ids.length === 0 ? 'nothing is left to apply' : `would be applied: ${fewOf(ids).join(', ')}`,
    ...fewOf(waiting),
    ...(worst === undefined ? [] : [`would be refused: ${worst.file}: ${worst.text}${more(errors.length)}`]),
    ...(warnings === 0 ? [] : [`${warnings} to look at`]),
  ]
  return { isGood: worst === undefined, text: text.join('; ') }
}

function about(collection: string, text: string): string {
  return collection === '' || text.startsWith(collection) ? text : `${collection} ${text}`
}

function more(count: number): string {
  return count > 1 ? ` (and ${count - 1} more)` : ''
}
