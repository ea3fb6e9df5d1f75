// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${…} is Compose's here
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { layout } from '../../../src/agent/layout.ts'
import { planCore } from '../../../src/agent/server/plan-core.ts'
import { imagesOf, stackFrom } from '../stack/stack-from.ts'
import { memoryRelease } from './memory-world.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pacs-plan-core-'))
  await mkdir(join(directory, 'stack'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

/** The hash of each core service of a stack of two stores, of which `first` has what is given. */
async function hashes(first: object, top: object, env: Readonly<Record<string, string>> = {}) {
  const stack = stackFrom(
    stringify({ services: { first: { image: 'store:1', ...first }, other: { image: 'store:1' } }, ...top }),
  )
  const paths = { ...layout(directory), config: join(directory, 'config') }
  await mkdir(paths.config, { recursive: true })
  await writeFile(join(paths.config, 'hash.key'), 'a key')
  const release = memoryRelease(1)
  const manifest = { ...release.manifest, images: imagesOf(stack) }
  const config = { revision: '11111111', directory: join(directory, 'config'), env, certificate: null }
  // As Compose does it for what stands here: of a variable that a secret or config names, the name alone is printed.
  const resolve = async (document: string) => document.replaceAll(/\$\{(\w+)\}/g, (_all, name) => env[name] ?? '')
  const services = await planCore(stack, { ...release, manifest, directory }, config, paths, resolve)
  return Object.fromEntries(services.map(({ name, hash }) => [name, hash]))
}

describe('a core service', () => {
  test.each([
    ['configs', { content: 'one' }, { content: 'two' }],
    ['configs', { content: 'level ${LEVEL}' }, { content: 'level ${OTHER_LEVEL}' }],
    ['configs', { environment: 'LEVEL' }, { environment: 'OTHER_LEVEL' }],
    ['secrets', { environment: 'LEVEL' }, { environment: 'OTHER_LEVEL' }],
  ])('is another one with other %s that stand in no file: %j', async (kind, before, after) => {
    const env = { LEVEL: 'info', OTHER_LEVEL: 'debug' }
    const hashesWith = (entry: object) => hashes({ [kind]: [{ source: 'x' }] }, { [kind]: { x: entry } }, env)
    const [was, is] = [await hashesWith(before), await hashesWith(after)]
    expect(is.first).not.toBe(was.first)
    expect(is.other).toBe(was.other)
    expect(await hashesWith(before)).toEqual(was)
  })

  test.each(['secrets', 'configs'])(
    'is another one with another value of a variable that its %s name',
    async (kind) => {
      const first = { [kind]: [{ source: 'x' }] }
      const top = { [kind]: { x: { environment: 'PASSWORD' } } }
      const was = await hashes(first, top, { PASSWORD: 'old' })
      const is = await hashes(first, top, { PASSWORD: 'new' })
      expect(is.first).not.toBe(was.first)
      expect(is.other).toBe(was.other)
    },
  )

  test('without any keeps the hash by which earlier agents know it', async () => {
    await writeFile(join(directory, 'stack', 'limits.json'), '{}')
    const first = { configs: [{ source: 'limits', target: '/limits.json' }] }
    const top = { configs: { limits: { file: './limits.json' }, unused: { content: 'nobody mounts it' } } }
    expect(await hashes(first, top)).toEqual({ first: 'ad9639adc2c4105c', other: 'fdcb99e1e08f0bdd' })
  })
})
