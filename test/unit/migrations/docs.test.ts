import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { lintMigrations, loadMigrations, writeLock } from '../../../src/migrations/index.ts'
import { RULES } from '../../../src/migrations/lint/rules.ts'

const page = await readFile(join(import.meta.dirname, '../../../docs/migrations.md'), 'utf8')

it('has only migrations on its page that load and that lint has nothing against', async () => {
  const blocks = [...page.matchAll(/^```js\n([\s\S]*?)^```$/gm)].map(([, text]) => text ?? '')
  expect(blocks.length).toBeGreaterThanOrEqual(2)
  const folder = await mkdtemp(join(tmpdir(), 'pacs-migrations-'))
  try {
    for (const [index, text] of blocks.entries()) await writeFile(join(folder, `00${index + 1}_block.js`), text)
    await writeLock(folder)
    expect((await loadMigrations(folder)).map(({ phase }) => phase)).toEqual(['data', 'expand'])
    expect(await lintMigrations(folder)).toEqual([])
  } finally {
    await rm(folder, { recursive: true })
  }
})

it('names every rule of lint, and says rightly which cannot be assured', () => {
  const rows = page.split('\n').filter((line) => /^\| `[\w-]+`/.test(line))
  const named = rows.flatMap((row) => [...(row.split(' | ')[0] ?? '').matchAll(/`([\w-]+)`( †)?/g)])
  const marks = new Map(named.map(([, id, mark]) => [id, mark !== undefined]))
  for (const { id, assurable } of RULES) expect([id, marks.get(id)]).toEqual([id, !assurable])
})
