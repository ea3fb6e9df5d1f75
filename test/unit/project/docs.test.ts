import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { exitClass } from '../../../src/lib/index.ts'
import { lostLinks } from '../../docs/links.ts'

const root = join(import.meta.dirname, '../../..')
const readmes = [
  ...(await readdir(join(root, 'actions'))).map((name) => `actions/${name}/README.md`),
  ...['orthanc', 'traefik/certificates'].map((name) => `deployment/production/${name}/README.md`),
  'deployment/reference-app/README.md',
  'test/lab/README.md',
]
const packageSchema = z.object({ scripts: z.record(z.string(), z.string()) })
const read = (path: string) => readFile(join(root, path), 'utf8')

describe('docs/outcomes.md', () => {
  it('gives every outcome that ends red its exit class', async () => {
    const rows = [...(await read('docs/outcomes.md')).matchAll(/^\| `([\w-]+)` \| (\d+) \| (yes|no) \|/gm)]
    const red = rows.filter(([, , , green]) => green === 'no').map(([, outcome, number]) => [outcome, Number(number)])
    const { ok, ...classes } = exitClass
    expect(Object.fromEntries(red)).toEqual(classes)
    expect(rows.filter(([, , , green]) => green === 'yes').every(([, , number]) => Number(number) === ok)).toBe(true)
  })
})

describe('docs/scanning.md', () => {
  it('names for all that is refused the tests that show it, each by a title that its file has', async () => {
    const page = await read('docs/scanning.md')
    const [, table = ''] = page.split('| refused | where it is tested |\n| --- | --- |\n')
    const rows = (table.split('\n\n')[0] ?? '').split('\n')
    expect(rows.length).toBeGreaterThan(15)
    const lost: string[] = []
    for (const row of rows) {
      const shown = row.split(' | ').at(-1) ?? ''
      const named = [...shown.matchAll(/\]\(\.\.\/(test\/[\w./-]+)\): ((?:"[^"]+"(?:, )?)+)/g)]
      // A link without a title shows nothing.
      if (named.length === 0 || named.length !== shown.split('](').length - 1) lost.push(row)
      for (const [, path = '', titles = ''] of named) {
        const text = await read(path)
        for (const [, title = ''] of titles.matchAll(/"([^"]+)"/g))
          if (![`'${title}'`, `"${title}"`].some((quoted) => text.includes(quoted))) lost.push(`${path}: ${title}`)
      }
    }
    expect(lost).toEqual([])
  })
})

describe.each([
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'CHANGELOG.md',
  'docs/outcomes.md',
  'docs/verified.md',
  'docs/migrations.md',
  'docs/backups.md',
  'docs/controls.md',
  'docs/monitoring.md',
  'docs/performance.md',
  'docs/scanning.md',
  'docs/stack.md',
  ...readmes,
])('%s', (path) => {
  it('links only to what is there, headings too', async () => {
    expect(await lostLinks(path)).toEqual([])
  })

  it('names only npm scripts that exist', async () => {
    const text = await read(path)
    const { scripts } = packageSchema.parse(JSON.parse(await read('package.json')))
    const named = [...text.matchAll(/npm (?:run )?(lab|lint|build|bench|demo|test)\b/g)].map(([, name]) => name ?? '')
    for (const name of named) {
      const [, program = ''] = /start\.mjs (\S+)/.exec(scripts[name] ?? '') ?? []
      expect(existsSync(join(root, program)), `npm run ${name}`).toBe(true)
    }
  })
})
