import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { emptyState, ended, openState, type State } from '../../../src/agent/transaction/state.ts'

let root: string
let path: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'pacs-state-'))
  path = join(root, 'state.json')
})
afterEach(() => rm(root, { recursive: true, force: true }))

describe('openState', () => {
  it('starts empty where nothing ever ran', async () => {
    expect((await openState(path)).state).toEqual(emptyState)
  })

  it('reads one of an agent that knew of no failures to tell on', async () => {
    const { failed: _unknown, ...older } = emptyState
    await writeFile(path, JSON.stringify(older))
    expect((await openState(path)).state).toEqual(emptyState)
  })

  it.each([
    ['half a file', '{"schema":1,"pha', 'it is no JSON'],
    ['a file of something else', '{"schema":2}', 'schema'],
    ['an empty file', '', 'it is no JSON'],
  ])('refuses %s in one line that says what to do, and leaves it as it is', async (_name, content, why) => {
    await writeFile(path, content)
    const refusal = openState(path)
    await expect(refusal).rejects.toMatchObject({
      kind: 'error',
      message: expect.stringContaining(`${path} cannot be read`),
    })
    await expect(refusal).rejects.toThrow(why)
    await expect(refusal).rejects.toThrow(/^[^\n]*Put back a good copy of the file, or rebuild the server[^\n]*$/)
    expect(await readFile(path, 'utf8')).toBe(content)
  })
})

type Kind = NonNullable<State['transaction']>['kind']
type Outcome = NonNullable<State['last']>['result']['outcome']

describe('a failure', () => {
  const transaction = (id: string, kind: Kind) => ({ id, kind, actor: 'jane', key: 'deploy', since: '', plan: false })
  const result = (outcome: Outcome) => ({ outcome, message: '', serving: null, previous: null })
  const toldAfter = (failed: Kind, next: Kind, outcome: Outcome) => {
    const state = {
      ...emptyState,
      ...ended({ ...emptyState, transaction: transaction('1', failed) }, result('failed')),
    }
    return ended({ ...state, transaction: transaction('2', next) }, result(outcome)).failed?.transaction ?? null
  }

  it.each([
    ['deploy', 'rollback', 'deployed'],
    ['rollback', 'deploy', 'unchanged'],
    ['restore', 'restore', 'done'],
    ['restore', 'deploy', 'deployed'],
    ['core', 'core', 'done'],
    ['migrate', 'mark', 'done'],
    ['undo', 'migrate', 'done'],
  ] as const)('of %s is made good by %s that is %s', (failed, next, outcome) => {
    expect(toldAfter(failed, next, outcome)).toBe(null)
  })

  it.each([
    ['deploy', 'backup', 'done'],
    ['deploy', 'core', 'done'],
    ['deploy', 'deploy', 'refused'],
    ['deploy', 'deploy', 'rolled-back'],
    ['restore', 'migrate', 'done'],
  ] as const)('of %s is told on after %s that is %s', (failed, next, outcome) => {
    expect(toldAfter(failed, next, outcome)).toBe('1')
  })

  it('gives way to a newer one', () => {
    expect(toldAfter('deploy', 'core', 'failed')).toBe('2')
  })
})
