import { describe, expect, it } from 'vitest'
import type { Phase } from '../../../src/migrations/definition.ts'
import { applyMigrations } from '../../../src/migrations/run.ts'
import type { Store } from '../../../src/migrations/store.ts'
import { undoTo } from '../../../src/migrations/undo.ts'
import { Crash, connect, type Fault, MemoryDatabase } from './memory-store.ts'
import { ACTOR, afterTheLease, SHORT, sampleMigrations, seed } from './sample.ts'

const PHASES: Phase[] = ['expand', 'data', 'contract']
const common = { ...ACTOR, onEvent: () => undefined, lease: SHORT }

async function applyAll(store: Store, database: MemoryDatabase): Promise<void> {
  for (const phase of PHASES) {
    await applyMigrations(store, sampleMigrations(database), { ...common, phase, signal: new AbortController().signal })
  }
}

async function undoAll(store: Store, database: MemoryDatabase): Promise<void> {
  await undoTo(store, sampleMigrations(database), null, { ...common, signal: new AbortController().signal })
}

/** A run that dies at `fault`, and the run after it. */
async function crashAndRerun(
  prepare: () => Promise<MemoryDatabase>,
  work: (store: Store, database: MemoryDatabase) => Promise<void>,
  fault: Fault,
): Promise<{ content: unknown; died: boolean }> {
  const database = await prepare()
  const died = await work(connect(database, fault), database).then(
    () => false,
    (thrown: unknown) => {
      expect(thrown instanceof Error && !(thrown instanceof Crash) ? thrown.cause : thrown).toBeInstanceOf(Crash)
      return true
    },
  )
  await afterTheLease(database)
  await work(connect(database), database)
  return { content: database.content(), died }
}

async function fresh(): Promise<MemoryDatabase> {
  const database = new MemoryDatabase()
  seed(database)
  return database
}

async function migrated(): Promise<MemoryDatabase> {
  const database = await fresh()
  await applyAll(connect(database), database)
  return database
}

describe('a process that dies at any write', () => {
  it.each([
    ['of a run', fresh, applyAll],
    ['of an undo', migrated, undoAll],
  ])('%s is continued by the next one to the same end, nothing done twice', async (_what, prepare, work) => {
    const undisturbed = await prepare()
    const store = connect(undisturbed)
    await work(store, undisturbed)
    expect(store.writes).toBeGreaterThan(20)
    let deaths = 0
    for (let write = 1; write <= store.writes; write += 1) {
      for (const when of ['before', 'after'] as const) {
        const { content, died } = await crashAndRerun(prepare, work, { what: 'crash', write, when })
        expect(content, `${store.log[write - 1]}, write ${write}, ${when}`).toEqual(undisturbed.content())
        if (died) deaths += 1
      }
    }
    // Only the release of a lease may fail unseen.
    expect(deaths).toBeGreaterThanOrEqual(2 * store.writes - 2 * 6)
  })
})

describe('a connection that is cut at any write', () => {
  it('is survived by the run itself, to the same end, nothing done twice', async () => {
    const undisturbed = await fresh()
    const store = connect(undisturbed)
    await applyAll(store, undisturbed)
    for (let write = 1; write <= store.writes; write += 1) {
      for (const when of ['before', 'after'] as const) {
        const database = await fresh()
        await applyAll(connect(database, { what: 'cut', write, when }), database)
        expect(database.content(), `${store.log[write - 1]}, write ${write}, ${when}`).toEqual(undisturbed.content())
        expect(database.lease, 'the lease is given back').toMatchObject({ expiresAt: 0 })
      }
    }
  })
})

describe('an undisturbed run', () => {
  it('does each change once, and its undo gives every byte back', async () => {
    const untouched = await fresh()
    const database = await migrated()
    expect(database.read('reports').map(({ n, old, counted }) => [n, old, counted])).toEqual(
      [2, 3, 4, 5, 6].map((n) => [n, undefined, true]),
    )
    await undoAll(connect(database), database)
    expect(database.content()).toEqual(untouched.content())
  })

  it('writes nothing when there is nothing to do', async () => {
    const database = await migrated()
    const store = connect(database)
    await applyAll(store, database)
    expect(store.log).toEqual([])
  })
})
