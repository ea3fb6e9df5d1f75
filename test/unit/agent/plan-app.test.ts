import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { layout } from '../../../src/agent/layout.ts'
import { planApp } from '../../../src/agent/server/plan-app.ts'
import { emptyState, stateSchema } from '../../../src/agent/transaction/state.ts'
import { imagesOf, stackFrom } from '../stack/stack-from.ts'
import { memoryRelease } from './memory-world.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pacs-plan-app-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

/** The plan for an app of one service with two replicas, and what is given. */
async function planWith({
  limits = {},
  metrics,
  ...service
}: {
  limits?: object
  mem_limit?: unknown
  metrics?: object
}) {
  const deploy = { replicas: 2, update_config: { order: 'start-first' }, resources: { limits } }
  const api = {
    image: 'api:1',
    ...service,
    deploy,
    'x-pacs': { port: 3000, ready: '/ready', ...(metrics && { metrics }) },
  }
  const stack = stackFrom(stringify({ services: { api } }))
  const release = memoryRelease(1)
  const manifest = { ...release.manifest, images: imagesOf(stack) }
  const config = { revision: '0123456789abcdef', directory: join(directory, 'config'), env: {}, certificate: null }
  return planApp(stack, { ...release, manifest, directory }, config, layout(directory))
}

describe('the memory that a second release may use', () => {
  test.each([
    [{ limits: { memory: '8g' } }, 8 * 1024 ** 3],
    [{ limits: { memory: '8GiB' } }, 8 * 1024 ** 3],
    [{ limits: { memory: '1.5 Gb' } }, 1.5 * 1024 ** 3],
    [{ limits: { memory: '1T' } }, 1024 ** 4],
    [{ limits: { memory: '64kb' } }, 64 * 1024],
    [{ limits: { memory: '1000b' } }, 1000],
    [{ limits: { memory: '1073741824' } }, 1024 ** 3],
    [{ mem_limit: '64M' }, 64 * 1024 ** 2],
    [{ mem_limit: 67108864 }, 64 * 1024 ** 2],
    [{ mem_limit: '64M', limits: { memory: '128M' } }, 128 * 1024 ** 2],
    [{ mem_limit: '64M', limits: { cpus: '1' } }, 64 * 1024 ** 2],
    [{ mem_limit: -1 }, 0],
    [{}, 0],
  ])('is that of all replicas, as Compose reads %j', async (service, bytes) => {
    expect((await planWith(service)).memory).toBe(2 * bytes)
  })
})

test('the gauge of the requests that a service answers is in the plan, and in the state that names its instance', async () => {
  const { instance } = await planWith({ metrics: { port: 9464, 'in-flight': 'in_flight' } })
  expect(instance.services[0]?.metrics).toEqual({ port: 9464, path: '/metrics', inFlight: 'in_flight' })
  expect(stateSchema.parse({ ...emptyState, serving: instance }).serving).toEqual(instance)
})
