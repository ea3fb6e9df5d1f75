import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { lintMigrations, loadMigrations, writeLock } from '../../../src/migrations/index.ts'
import { RULES } from '../../../src/migrations/lint/rules.ts'
import { fencedBlocks, readPage } from '../../docs/fenced-blocks.ts'

const page = await readPage('migrations.md')
const scripts = (text: string) => fencedBlocks(text).filter(({ language }) => language === 'js')

it('has no block on its page, nor on that of the backups, that no test runs', async () => {
  // These are loaded and linted here, and applied and undone on a database in test/integration/migrations.test.ts;
  // those for the console are run by test/full/agent-data.test.ts.
  const languages = (text: string) => fencedBlocks(text).map(({ language }) => language)
  expect(languages(page)).toEqual(['js', 'js', 'sh'])
  expect(languages(await readPage('backups.md'))).toEqual(['sh', 'sh'])
  // An indented block would be seen by no test.
  expect(`${page}${await readPage('backups.md')}`).not.toMatch(/\n\n {4}\S/)
})

it('has only migrations on its page that load and that lint has nothing against', async () => {
  const blocks = scripts(page).map(({ text }) => text)
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
