import { Failure } from '../lib/index.ts'
import { differences } from './compare.ts'
import { isConnectionLoss } from './connection-loss.ts'
import type { Declared } from './context.ts'
import type { CollectionDeclaration } from './definition.ts'
import { withoutValues } from './failures.ts'
import type { Migration } from './files.ts'
import type { Store } from './store.ts'
import { checkLimitOf, within } from './time-limit.ts'

/** What a migration's `check` says; `unclear` when it throws or gives no boolean. */
type Answer = { kind: 'done' | 'not-done' } | { kind: 'unclear'; why: string }

/** Asks `check`, which can only read. */
export async function ask(
  store: Store,
  { id, definition, ...rest }: Migration,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<Answer> {
  const limit = checkLimitOf({ id, definition, ...rest })
  try {
    const answer: unknown = await within(store, `check of ${id}`, limit, signal, (inner) =>
      definition.check({
        get db() {
          return store.db('read')
        },
        log,
        signal: inner,
      }),
    )
    if (answer === true) return { kind: 'done' }
    if (answer === false) return { kind: 'not-done' }
    return { kind: 'unclear', why: `it gave ${answer === null ? 'null' : typeof answer} instead of true or false` }
  } catch (thrown) {
    signal.throwIfAborted()
    if (isConnectionLoss(thrown)) throw thrown
    return { kind: 'unclear', why: withoutValues(thrown) }
  }
}

/**
 * Whether the work is really done: by the migration's own `check`, and by what it declared. A `check` that says so while a
 * collection is not as declared does not count.
 * @throws Failure `failed` that names what is not as it should be.
 */
export async function verify(
  store: Store,
  migration: Migration,
  declared: Declared,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const { id } = migration
  const last = new Map(declared.collections.map(({ name, declaration }) => [name, declaration]))
  const { readBack } = declared
  const compare = async ([name, declaration]: [string, CollectionDeclaration]) =>
    differences(name, declaration, readBack?.get(name) ?? (await store.catalog.describe(name)), true)
  const left = (await Promise.all([...last].map(compare))).flat()
  const answer = await ask(store, migration, log, signal)
  if (left.length > 0) {
    const lied = answer.kind === 'done' ? ', though its check says it is' : ''
    throw new Failure('failed', `${id} is not done${lied}: ${left.join('; ')}`)
  }
  if (answer.kind === 'not-done') throw new Failure('failed', `${id} ran to its end, but its check says it is not done`)
  if (answer.kind === 'unclear')
    throw new Failure('failed', `${id} ran to its end, but its check failed: ${answer.why}`)
}
