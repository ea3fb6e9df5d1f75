import type { Phase } from './definition.ts'
import { type Drift, driftOf } from './drift.ts'
import type { Migration } from './files.ts'
import type { Finding } from './lint/finding.ts'
import { lintMigrations } from './lint/lint.ts'
import { nothingEarlier, type Plan, planMigrations } from './plan.ts'
import { readState } from './read-ledger.ts'
import type { Store } from './store.ts'

/** All that a person should know before migrations run on a database. */
export interface Review {
  plans: Plan[]
  /** Of those that are not applied yet: what is applied cannot be edited any more. */
  findings: Finding[]
  drift: Drift[]
}

export interface ReviewOptions {
  phases: readonly Phase[]
  /** Where `migrations` were read. */
  folder: string
  /** Ids that an earlier release has; without them the rule on contracts cannot judge. */
  released?: readonly string[]
  signal: AbortSignal
}

/**
 * Plans, lints and compares. Reads only.
 * @throws Failure `refused` for whatever a run would be refused for before it begins.
 */
export async function review(
  store: Store,
  migrations: readonly Migration[],
  { phases, folder, released, signal }: ReviewOptions,
): Promise<Review> {
  const plans: Plan[] = []
  const earlier = nothingEarlier()
  for (const phase of phases) plans.push(await planMigrations(store, migrations, { phase, signal }, earlier))
  const { entries } = await readState(store)
  const applied = new Set(entries.filter(({ state }) => state === 'applied').map(({ _id }) => _id))
  const open = new Set(migrations.filter(({ id }) => !applied.has(id)).map(({ id }) => `${id}.js`))
  const findings = await lintMigrations(folder, { applied: [...applied], ...(released && { released }) })
  const drift = await driftOf(store, migrations, signal)
  return { plans, findings: findings.filter(({ file }) => open.has(file)), drift }
}
