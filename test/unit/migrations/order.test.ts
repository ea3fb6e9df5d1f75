import { describe, expect, it, vi } from 'vitest'
import type { Phase } from '../../../src/migrations/index.ts'
import { mayRun } from '../../../src/migrations/index.ts'
import { contradictions, type HistoryLine, type LedgerEntry } from '../../../src/migrations/ledger.ts'
import { orderOf } from '../../../src/migrations/order.ts'
import { readState } from '../../../src/migrations/read-ledger.ts'
import type { LedgerState } from '../../../src/migrations/store.ts'
import { sha256 } from '../../../src/release/index.ts'

const known = (id: string, phase: Phase) => ({ id, phase, sha256: sha256(id) })
const entry = (id: string, phase: Phase, state: LedgerEntry['state'] = 'applied'): LedgerEntry => ({
  _id: id,
  phase,
  state,
  sha256: sha256(id),
  run: 'r',
  actor: 'a',
  host: 'h',
  owner: 'o',
  startedAt: new Date(0),
  finishedAt: null,
  progress: {},
  error: null,
})
const line = (seq: number, id: string, event: HistoryLine['event']): HistoryLine => ({
  _id: seq,
  migration: id,
  event,
  sha256: sha256(id),
  phase: 'expand',
  run: 'r',
  actor: 'a',
  host: 'h',
  at: new Date(0),
  note: null,
})

const ALL = [
  known('001_a', 'expand'),
  known('002_b', 'data'),
  known('003_c', 'contract'),
  known('004_d', 'expand'),
  known('005_e', 'data'),
]
const steps = (phase: Phase, ledger: LedgerEntry[]) =>
  orderOf(ALL, ledger, phase).steps.map(({ migration, kind }) => [migration.id, kind])

describe('orderOf', () => {
  it('runs the expands by themselves, also past a contract that is not applied', () => {
    expect(steps('expand', [])).toEqual([
      ['001_a', 'apply'],
      ['004_d', 'apply'],
    ])
  })

  it('lets data wait for the expands before it, and for the contract before it', () => {
    expect(steps('data', [])).toEqual([])
    const { steps: ready, waiting } = orderOf(ALL, [entry('001_a', 'expand'), entry('004_d', 'expand')], 'data')
    expect(ready.map(({ migration }) => migration.id)).toEqual(['002_b'])
    expect(waiting).toEqual(['005_e (data) waits for 003_c (contract), which is not applied'])
  })

  it('lets a contract wait for the data before it', () => {
    expect(steps('contract', [entry('001_a', 'expand')])).toEqual([])
    expect(steps('contract', [entry('001_a', 'expand'), entry('002_b', 'data')])).toEqual([['003_c', 'apply']])
  })

  it('settles what was interrupted or failed', () => {
    expect(steps('expand', [entry('001_a', 'expand', 'applying')])[0]).toEqual(['001_a', 'settle'])
    expect(steps('expand', [entry('001_a', 'expand', 'failed')])[0]).toEqual(['001_a', 'settle'])
  })

  it.each([
    [
      'an edit after it ran',
      [{ ...entry('001_a', 'expand'), sha256: sha256('x') }],
      /001_a is applied .* another content/,
    ],
    ['a file that is missing', [entry('000_z', 'expand')], /000_z \(expand\) is applied .* its file is missing/],
    ['a contract of a newer release', [entry('009_z', 'contract')], /009_z \(contract\)/],
    ['half an undo', [entry('001_a', 'expand', 'rolling-back')], /001_a is half undone/],
    ['a number below one that is applied', [entry('004_d', 'expand')], /001_a \(expand\) is out of order: 004_d/],
  ])('refuses %s', (_what, ledger, message) => {
    expect(() => orderOf(ALL, ledger, 'expand')).toThrow(message)
  })

  it('says of a number below one that is applied what to do where it ran elsewhere by that number', () => {
    expect(() => orderOf(ALL, [entry('004_d', 'expand')], 'expand')).toThrow(
      '001_a (expand) is out of order: 004_d is applied already, give it a number after that; ' +
        'where another environment has it by this number, undo it there first, or here what has a later one',
    )
  })

  it.each(['failed', 'applying', 'rolling-back'] as const)(
    'says of one that is %s how it is taken back, where this release has it otherwise or not at all',
    (state) => {
      const edited = { ...entry('004_d', 'expand', state), sha256: sha256('x') }
      const way = (before: string, id: string) =>
        `(pacs-agent migrate undo --to ${before} --release … --reason …; one that is irreversible: ` +
        `pacs-agent migrate mark ${id} pending --release … --reason …)`
      expect(() => orderOf(ALL, [entry('001_a', 'expand'), edited], 'expand')).toThrow(
        `004_d is ${state} in this database with another content: it was edited after it ran, ` +
          `undo the edit, or first take it back with the release that ran it ${way('003_c', '004_d')}`,
      )
      const renamed = entry('001_z', 'expand', state)
      expect(() => orderOf(ALL, [renamed], 'expand')).toThrow(
        `001_z (expand) is ${state} in this database, but its file is missing: ` +
          `use the release that has it, or first take it back with that ${way('nothing', '001_z')}`,
      )
    },
  )

  it('leaves an expand of a newer release alone', () => {
    expect(steps('expand', [entry('001_a', 'expand'), entry('004_d', 'expand'), entry('009_z', 'expand')])).toEqual([])
  })
})

describe('mayRun', () => {
  const expands = [entry('001_a', 'expand'), entry('004_d', 'expand')]

  it('lets a release run when its expands are applied and it knows every applied contract', () => {
    expect(mayRun(ALL, [...expands, entry('002_b', 'data'), entry('003_c', 'contract')])).toEqual([])
  })

  it.each([
    ['an expand that is not applied', expands.slice(1), /^001_a \(expand\) is not applied/],
    [
      'an expand that was interrupted',
      [entry('001_a', 'expand', 'applying'), ...expands.slice(1)],
      /^001_a \(expand\) is half applied/,
    ],
    ['an expand that is half undone', [entry('001_a', 'expand', 'rolling-back'), ...expands.slice(1)], /half undone/],
    ['a contract that it does not know', [...expands, entry('009_z', 'contract')], /^009_z \(contract\) is applied/],
    [
      'an unknown contract that only began',
      [...expands, entry('009_z', 'contract', 'applying')],
      /^009_z \(contract\) is half/,
    ],
    [
      'an expand with another content',
      [{ ...entry('001_a', 'expand'), sha256: sha256('x') }, ...expands.slice(1)],
      /another content/,
    ],
  ])('refuses %s', (_what, ledger, message) => {
    expect(mayRun(ALL, ledger)).toEqual([expect.stringMatching(message)])
  })

  it('asks for no data and no contract', () => {
    expect(mayRun(ALL, expands)).toEqual([])
  })
})

describe('contradictions', () => {
  it('accepts what a crash leaves: an announcement without its entry', () => {
    expect(contradictions([], [line(1, '001_a', 'applying')])).toEqual([])
    expect(contradictions([entry('001_a', 'expand', 'applying')], [line(1, '001_a', 'applied')])).toEqual([])
    expect(
      contradictions([entry('001_a', 'expand')], [line(1, '001_a', 'applied'), line(2, '001_a', 'rolling-back')]),
    ).toEqual([])
  })

  it.each([
    ['an entry that was taken away', [], [line(1, '001_a', 'applied')], /001_a is missing from the ledger/],
    [
      'an entry that was put in',
      [entry('001_a', 'expand')],
      [],
      /001_a is applied by the ledger, but its history ends with nothing/,
    ],
    [
      'a state that was changed',
      [entry('001_a', 'expand')],
      [line(1, '001_a', 'applying'), line(2, '001_a', 'failed')],
      /history ends with failed/,
    ],
    [
      'one that was applied and is to run again',
      [entry('001_a', 'expand', 'failed')],
      [line(1, '001_a', 'applying'), line(2, '001_a', 'applied')],
      /001_a is failed by the ledger, but its history ends with applied/,
    ],
    [
      'a hash that was changed',
      [{ ...entry('001_a', 'expand'), sha256: sha256('x') }],
      [line(1, '001_a', 'applied')],
      /001_a has another hash/,
    ],
  ])('finds %s', (_what, ledger, history, message) => {
    expect(contradictions(ledger, history)).toEqual([expect.stringMatching(message)])
  })
})

describe('readState', () => {
  const state = (entries: LedgerEntry[], history: HistoryLine[]): LedgerState => ({ rest: null, entries, history })
  const reading = (...states: readonly [LedgerState, ...LedgerState[]]) => {
    const left = [...states]
    const read = vi.fn(async () => (left.length > 1 ? left.shift() : left[0]) ?? states[0])
    return { read, store: { ledger: { read } } }
  }
  // The ledger was read before the run wrote its end, the history after.
  const torn = state([], [line(1, '001_a', 'applying'), line(2, '001_a', 'applied')])
  const whole = state([entry('001_a', 'expand')], torn.history)

  it('reads again what a run that ends meanwhile tore', async () => {
    const { store, read } = reading(torn, whole)
    expect(await readState(store)).toEqual(whole)
    expect(read).toHaveBeenCalledTimes(2)
  })

  it('refuses what stays a contradiction', async () => {
    const { store, read } = reading(torn)
    await expect(readState(store)).rejects.toThrow(/^001_a is missing from the ledger.*\nthe ledger was edited by hand/)
    expect(read).toHaveBeenCalledTimes(3)
  })
})
