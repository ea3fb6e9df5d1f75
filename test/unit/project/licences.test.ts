import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'

const lockSchema = z.object({
  packages: z.record(
    z.string(),
    z.looseObject({ license: z.string().optional(), dev: z.boolean().optional(), integrity: z.string().optional() }),
  ),
})

const FREE = ['MIT', 'ISC', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', '0BSD', 'BlueOak-1.0.0']

const root = join(import.meta.dirname, '../../..')

describe('every package that ships', () => {
  it('has a licence that asks for no more than its notice', async () => {
    const lock = lockSchema.parse(JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')))
    const shipped = Object.entries(lock.packages).filter(([path, { dev }]) => path !== '' && dev !== true)
    expect(shipped.length).toBeGreaterThan(10)
    expect(
      shipped.filter(([, { license }]) => !FREE.includes(license ?? '')).map(([path, { license }]) => [path, license]),
    ).toEqual([])
  })
  it('has its licence beside the bundles that hold it', async () => {
    const { dependencies } = z
      .object({ dependencies: z.record(z.string(), z.string()) })
      .parse(JSON.parse(await readFile(join(root, 'package.json'), 'utf8')))
    const texts = await Promise.all(
      ['shared', 'agent'].map((bundle) => readFile(join(root, 'dist', bundle, 'licenses.txt'), 'utf8')),
    )
    const named = new Set(texts.flatMap((text) => text.split('\n')))
    expect(Object.keys(dependencies).filter((name) => !named.has(name))).toEqual([])
    for (const text of texts) expect(text).toContain('Permission is hereby granted, free of charge')
  })
})

describe('a lock file', () => {
  it.each(['', 'deployment/reference-app/client/', 'deployment/reference-app/server/'])(
    'of %j pins what each package holds, and names no registry',
    async (folder) => {
      const text = await readFile(join(root, folder, 'package-lock.json'), 'utf8')
      expect(text).not.toContain('"resolved"')
      const packages = Object.entries(lockSchema.parse(JSON.parse(text)).packages).filter(([path]) => path !== '')
      expect(packages.length).toBeGreaterThan(10)
      expect(packages.filter(([, { integrity }]) => integrity === undefined).map(([path]) => path)).toEqual([])
    },
  )
})
