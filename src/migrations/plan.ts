import { isConnectionLoss, told } from './connection-loss.ts'
import type { Phase, UpContext } from './definition.ts'
import { withoutValues } from './failures.ts'
import type { Migration } from './files.ts'
import { countOfWalk, type Earlier, type Impact, impactOfCollection, impactOfWalk } from './impact.ts'
import { orderOf } from './order.ts'
import { readState } from './read-ledger.ts'
import type { Store } from './store.ts'
import { checkLimitOf, within } from './time-limit.ts'

interface PlannedStep {
  id: string
  phase: Phase
  description: string
  /** An earlier run was interrupted in it. */
  again: boolean
  /** Why it cannot be undone; null when it can. */
  irreversible: string | null
  impacts: Impact[]
}

export interface Plan {
  phase: Phase
  steps: PlannedStep[]
  /** Why later migrations of the phase do not run yet. */
  waiting: string[]
}

/** Nothing comes before the first step. */
export function nothingEarlier(): Earlier {
  return { walks: new Map(), drops: new Map(), unforeseen: undefined }
}

/**
 * What a run of `phase` would do to this database now. Reads only.
 * @param earlier what the phases do that are planned before it; gets what this one does
 * @throws Failure `refused` for whatever a run would be refused for before it begins.
 */
export async function planMigrations(
  store: Store,
  migrations: readonly Migration[],
  { phase, signal }: { phase: Phase; signal: AbortSignal },
  earlier = nothingEarlier(),
): Promise<Plan> {
  const { steps, waiting } = orderOf(migrations, (await readState(store)).entries, phase)
  const planned: PlannedStep[] = []
  for (const { migration, kind } of steps) {
    const { id, definition } = migration
    const irreversible = 'irreversible' in definition ? definition.irreversible : null
    const impacts = await impactsOf(store, migration, earlier, signal)
    planned.push({ id, phase, description: definition.description, again: kind === 'settle', irreversible, impacts })
  }
  return { phase, steps: planned, waiting }
}

/** Runs `up` where it can only look, and notes what it asks for. */
async function impactsOf(store: Store, migration: Migration, earlier: Earlier, signal: AbortSignal): Promise<Impact[]> {
  const { id, definition } = migration
  const impacts: Impact[] = []
  const context = (inner: AbortSignal): UpContext => ({
    ...lookingContext(store, inner),
    batches: Object.assign(
      async (walk: Parameters<UpContext['batches']>[0]) => {
        const documents = await countOfWalk(store.catalog, walk)
        impacts.push(impactOfWalk(walk, documents))
        if (documents > 0) earlier.walks.set(walk.collection, id)
      },
      { restore: async () => undefined },
    ),
    schema: {
      async collection(name, declaration) {
        impacts.push(...(await impactOfCollection(store.catalog, name, declaration, earlier)))
        const dropped = (declaration.dropIndexes ?? []).map((index) => [index, id] as const)
        earlier.drops.set(name, new Map([...(earlier.drops.get(name) ?? []), ...dropped]))
      },
      restore: async () => undefined,
    },
  })
  try {
    await within(store, `plan of ${id}`, checkLimitOf(migration), signal, (inner) => definition.up(context(inner)))
  } catch (thrown) {
    signal.throwIfAborted()
    if (isConnectionLoss(thrown)) throw told(thrown, `plan of ${id}`)
    earlier.unforeseen = id
    impacts.push({
      level: 'warning',
      collection: '',
      text: `what follows cannot be foreseen: ${withoutValues(thrown)}`,
    })
  }
  return impacts
}

/** The part of a context that is the same wherever nothing may be written. */
function lookingContext(store: Store, signal: AbortSignal): Pick<UpContext, 'db' | 'log' | 'signal'> {
  return { db: store.db('read'), log: () => undefined, signal }
}
