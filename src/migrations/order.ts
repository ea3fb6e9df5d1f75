import { refused } from '../lib/index.ts'
import type { Phase } from './definition.ts'
import type { LedgerEntry } from './ledger.ts'

interface Known {
  id: string
  sha256: string
  phase: Phase
}

/** What is to be done with one migration: run it, or first find out how far an interrupted run came. */
export interface Step<M> {
  migration: M
  kind: 'apply' | 'settle'
}

/** What a run of one phase does, and what must wait for what. */
interface Order<M> {
  steps: Step<M>[]
  waiting: string[]
}

/**
 * What is left to do in `phase`, in order. expand runs by itself; data and contract are one sequence, and each waits for the
 * expands before it.
 * @throws Failure `refused` that names every edited, missing or half undone migration, and every one out of order.
 */
export function orderOf<M extends Known>(
  migrations: readonly M[],
  ledger: readonly LedgerEntry[],
  phase: Phase,
): Order<M> {
  const refusals = refusalsOf(migrations, ledger)
  if (refusals.length > 0) throw refused(refusals.join('\n'))
  return turnsOf(migrations, ledger, phase)
}

/** The same whatever may be wrong with the ledger, which is for who runs them to refuse. */
export function turnsOf<M extends Known>(
  migrations: readonly M[],
  ledger: readonly Pick<LedgerEntry, '_id' | 'state'>[],
  phase: Phase,
): Order<M> {
  const states = new Map(ledger.map(({ _id, state }) => [_id, state]))
  const isDone = ({ id }: M) => states.get(id) === 'applied'
  const sequence = migrations.filter((one) => (one.phase === 'expand') === (phase === 'expand'))
  const steps: Step<M>[] = []
  const waiting: string[] = []
  for (const migration of sequence) {
    if (isDone(migration)) continue
    const missing = migrations.find(
      (before) =>
        before.id < migration.id &&
        !isDone(before) &&
        before.phase !== phase &&
        (before.phase === 'expand' || sequence.includes(before)),
    )
    if (missing !== undefined && phase !== 'expand') {
      if (migration.phase === phase) {
        waiting.push(`${migration.id} (${phase}) waits for ${missing.id} (${missing.phase}), which is not applied`)
      }
      continue
    }
    if (migration.phase !== phase) continue
    steps.push({ migration, kind: states.has(migration.id) ? 'settle' : 'apply' })
  }
  return { steps, waiting }
}

function refusalsOf(migrations: readonly Known[], ledger: readonly LedgerEntry[]): string[] {
  const refusals: string[] = []
  const known = new Map(migrations.map((migration) => [migration.id, migration]))
  const last = migrations.at(-1)?.id ?? ''
  // What did not end is mended in its own file: one that follows it would wait for it. Its number may have another name by now.
  const wayBack = (id: string) => {
    const before = migrations.findLast((one) => one.id < id.slice(0, 3))?.id ?? 'nothing'
    return (
      `(pacs-agent migrate undo --to ${before} --release … --reason …; ` +
      `one that is irreversible: pacs-agent migrate mark ${id} pending --release … --reason …)`
    )
  }
  for (const { _id: id, sha256, phase, state } of ledger) {
    const migration = known.get(id)
    if (migration === undefined) {
      // A newer release may have been here before.
      if (phase !== 'contract' && id > last && state === 'applied') continue
      const missing = `${id} (${phase}) is ${state} in this database, but its file is missing: use the release that has it`
      refusals.push(state === 'applied' ? missing : `${missing}, or first take it back with that ${wayBack(id)}`)
    } else if (migration.sha256 !== sha256) {
      const edited = `${id} is ${state} in this database with another content: it was edited after it ran, undo the edit`
      refusals.push(
        state === 'applied' ? edited : `${edited}, or first take it back with the release that ran it ${wayBack(id)}`,
      )
    } else if (state === 'rolling-back') {
      refusals.push(
        `${id} is half undone: ask for the same undo again, it continues; if it cannot, "pacs-agent migrate mark ${id} applied|pending --reason …"`,
      )
    }
  }
  const lastApplied: Record<'expand' | 'later', string> = { expand: '', later: '' }
  const kindOf = (phase: Phase) => (phase === 'expand' ? 'expand' : 'later')
  for (const { _id: id, phase, state } of ledger) {
    if (state === 'applied' && id > lastApplied[kindOf(phase)]) lastApplied[kindOf(phase)] = id
  }
  const present = new Set(ledger.map(({ _id }) => _id))
  for (const { id, phase } of migrations) {
    const later = lastApplied[kindOf(phase)]
    if (!present.has(id) && id < later) {
      refusals.push(
        `${id} (${phase}) is out of order: ${later} is applied already, give it a number after that; ` +
          'where another environment has it by this number, undo it there first, or here what has a later one',
      )
    }
  }
  return refusals
}
