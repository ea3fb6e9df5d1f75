import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { lintMigrations, loadMigrations, writeLock } from '../../../src/migrations/index.ts'
import { RULES } from '../../../src/migrations/lint/rules.ts'
import { fencedBlocks, readPage } from '../../docs/fenced-blocks.ts'

const page = await readPage('migrations.md')

it('has no block on its page that no test runs', () => {
  // These are loaded and linted here, and applied and undone on a database in test/integration/migrations.test.ts.
  expect(fencedBlocks(page).filter(({ language }) => language !== 'js')).toEqual([])
})

it('has only migrations on its page that load and that lint has nothing against', async () => {
  const blocks = fencedBlocks(page).map(({ text }) => text)
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
