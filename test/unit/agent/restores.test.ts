import { expect, it } from 'vitest'
import type { DataPlan } from '../../../src/agent/data/data-plan.ts'
import { restoreHere } from '../../../src/agent/data/restores.ts'
import type { TransactionRequestInput } from '../../../src/agent/protocol.ts'
import { Failure } from '../../../src/lib/index.ts'
import { freshServer } from './fresh-server.ts'
import { ask, deployOf, resultOf, submit } from './life.ts'
import { MemoryWorld } from './memory-world.ts'

const here = freshServer()
const restore: TransactionRequestInput = {
  ...{ kind: 'restore', backup: 'newest', repository: 'first', actor: 'jane', plan: false },
  target: { kind: 'database', to: '2026-11-28T10:15:00Z' },
}

/** A world in which a restore goes on until it is told to end. */
function restoring() {
  const world = new MemoryWorld(here.server)
  const { promise, resolve } = Promise.withResolvers<string>()
  world.jobs.restore = () => promise
  return { world, end: () => resolve('restored') }
}

it('a restore keeps out another one, whose plan too, and is not broken off', async () => {
  const { world, end } = restoring()
  await using life = await here.start(world)
  await ask(life.agent, deployOf(1))
  const id = await submit(life.agent, restore)
  for (const another of [restore, { ...restore, plan: true }]) {
    await expect(submit(life.agent, another)).rejects.toMatchObject({
      kind: 'locked',
      message: expect.stringMatching(new RegExp(`^restore ${id} of jane runs since `)),
    })
  }
  await expect(life.agent.abort(id)).rejects.toMatchObject({
    message: `${id} restores, which cannot be broken off half-way`,
  })
  end()
  expect(await resultOf(life.agent, id)).toMatchObject({ outcome: 'done', message: 'restored' })
})

it('a restore whose agent died gets its result at the next start, which says where to look', async () => {
  const { world } = restoring()
  await using first = await here.start(world)
  await ask(first.agent, deployOf(1))
  const id = await submit(first.agent, restore)
  world.kill()
  await using second = await here.start()
  expect(await resultOf(second.agent, id)).toMatchObject({
    outcome: 'failed',
    message: expect.stringMatching(/^interrupted: .*; plan it again, which says what is left$/),
  })
  expect(here.server.tidied).toBeGreaterThan(0)
  expect(await ask(second.agent, restore)).toMatchObject({ outcome: 'done' })
})

it('a restore that fails on the way is no refusal before anything changed; its plan is', async () => {
  const world = new MemoryWorld(here.server)
  world.jobs.restore = async () => {
    throw new Failure('error', 'docker start pacs-redis-1 ended with 1')
  }
  await using life = await here.start(world)
  await ask(life.agent, deployOf(1))
  expect(await ask(life.agent, restore)).toMatchObject({
    outcome: 'failed',
    message: 'docker start pacs-redis-1 ended with 1; plan it again, which says what is left',
  })
  expect(await ask(life.agent, { ...restore, plan: true })).toMatchObject({
    outcome: 'refused',
    message: 'before anything changed: docker start pacs-redis-1 ended with 1',
  })
})

it('a restore goes into no directory that a backup, a verification or a restore empties', async () => {
  const backups = '/opt/pacs/backups'
  const repository = { location: `${backups}/repository`, passwordFile: '/nowhere', env: {} }
  const data: DataPlan = {
    ...{ database: null, archives: [], caches: [], folders: [], repository, second: null },
    ...{ release: 'r', versions: {}, stack: '/nowhere' },
  }
  const place = { backups, metrics: '/nowhere', restic: '/nowhere', path: '', dockerConfig: '/nowhere' }
  const into = (directory: string) => {
    const target = { kind: 'study', study: '1.2.3', directory } as const
    const asked = { data, place, backup: 'newest', repository: 'first', target, plan: false } as const
    return restoreHere(asked, () => undefined, new AbortController().signal)
  }
  for (const below of ['restore', 'restore/', 'metrics/../verify/study', 'work/study', 'cache', 'repository/data']) {
    await expect(into(`${backups}/${below}`)).rejects.toMatchObject({
      kind: 'bad-input',
      message: expect.stringMatching(/ lies in .*: name another directory, for example \/opt\/pacs\/backups\/study$/),
    })
  }
  // As far as the password, which is not there.
  await expect(into(`${backups}/restored`)).rejects.toThrow(/restic-password is missing/)
})
