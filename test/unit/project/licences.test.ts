import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'

const lockSchema = z.object({
  packages: z.record(z.string(), z.looseObject({ license: z.string().optional(), dev: z.boolean().optional() })),
})

const FREE = ['MIT', 'ISC', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', '0BSD', 'BlueOak-1.0.0']

describe('every package that ships', () => {
  it('has a licence that asks for no more than its notice', async () => {
    const lock = lockSchema.parse(
      JSON.parse(await readFile(join(import.meta.dirname, '../../../package-lock.json'), 'utf8')),
    )
    const shipped = Object.entries(lock.packages).filter(([path, { dev }]) => path !== '' && dev !== true)
    expect(shipped.length).toBeGreaterThan(10)
    expect(
      shipped.filter(([, { license }]) => !FREE.includes(license ?? '')).map(([path, { license }]) => [path, license]),
    ).toEqual([])
  })
})
