import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadMigrations, newMigration, writeLock } from '../../../src/migrations/index.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pacs-migrations-'))
  await newMigration(folder, 'first', 'expand')
  await newMigration(folder, 'second', 'data')
  await writeLock(folder)
})
afterEach(() => rm(folder, { recursive: true }))

const path = (name: string) => join(folder, name)

describe('loadMigrations', () => {
  it('gives what is locked, in order', async () => {
    const migrations = await loadMigrations(folder)
    expect(migrations.map(({ id, phase }) => [id, phase])).toEqual([
      ['001_first', 'expand'],
      ['002_second', 'data'],
    ])
  })

  it('names an edited file', async () => {
    await writeFile(path('001_first.js'), `${await readFile(path('001_first.js'), 'utf8')}// edited\n`)
    await expect(loadMigrations(folder)).rejects.toThrow(/001_first was edited after it was locked/)
    await expect(writeLock(folder)).rejects.toThrow(/001_first was edited/)
  })

  it('names a missing file', async () => {
    await rm(path('001_first.js'))
    await expect(loadMigrations(folder)).rejects.toThrow(/001_first is locked but its file is missing/)
  })

  it('names a file that came before one that is locked', async () => {
    await rename(path('002_second.js'), path('003_second.js'))
    await rm(path('migrations.lock.json'))
    await writeLock(folder)
    await newMigration(folder, 'late', 'data')
    await rename(path('004_late.js'), path('002_late.js'))
    await expect(loadMigrations(folder)).rejects.toThrow(/002_late is out of order: 003_second is locked already/)
  })

  it('names a file that is not locked', async () => {
    await newMigration(folder, 'third', 'contract')
    await expect(loadMigrations(folder)).rejects.toThrow(/003_third is not locked: run "migrations lock"/)
  })

  it('finds a lock whose lines were exchanged or edited by hand', async () => {
    const lock = JSON.parse(await readFile(path('migrations.lock.json'), 'utf8'))
    await writeFile(path('migrations.lock.json'), JSON.stringify({ ...lock, migrations: lock.migrations.toReversed() }))
    await expect(loadMigrations(folder)).rejects.toThrow(/001_first stands after 002_second(.|\n)*the chain breaks at/)
  })

  it.each([
    ['two with one number', '002_again.js', 'export default {}', /002_second has the number 002 already|002_again has/],
    ['a name that is no migration’s', 'fix.js', '', /fix\.js: a migration is named like/],
  ])('refuses %s', async (_what, name, text, message) => {
    await writeFile(path(name), text)
    await expect(loadMigrations(folder)).rejects.toThrow(message)
  })

  it.each([
    [
      'no down',
      "{ phase: 'data', description: 'x', async up() {}, async check() {} }",
      /neither down\(context\) nor irr/,
    ],
    [
      'an unknown phase',
      "{ phase: 'later', description: 'x', async up() {}, async check() {}, async down() {} }",
      /phase/,
    ],
    [
      'an unknown key',
      "{ phase: 'data', description: 'x', async up() {}, async check() {}, async down() {}, upp: 1 }",
      /upp/,
    ],
  ])('refuses a definition with %s, by name', async (_what, definition, message) => {
    await writeFile(path('003_x.js'), `export default ${definition}\n`)
    await writeLock(folder)
    await expect(loadMigrations(folder)).rejects.toThrow(message)
    await expect(loadMigrations(folder)).rejects.toThrow(/003_x\.js/)
  })

  it('refuses a file that imports what is not locked', async () => {
    await writeFile(path('003_x.js'), "import './other.js'\nexport default {}\n")
    await writeLock(folder)
    await expect(loadMigrations(folder)).rejects.toThrow(/003_x\.js cannot be loaded: .*\.\/other\.js/)
  })
})
