// What an editor tells the author of a migration: TypeScript over plain JavaScript, by the types that lie beside it.
import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import ts from 'typescript'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { PHASES } from '../../../src/migrations/definition.ts'
import { newMigration } from '../../../src/migrations/new-migration.ts'

const root = join(import.meta.dirname, '../../..')
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pacs-types-'))
  await cp(join(root, 'deployment/production/migrations'), folder, { recursive: true })
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** What TypeScript finds in the migrations of `folder`. */
async function findings(): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.js'))
  const program = ts.createProgram({
    rootNames: names.map((name) => join(folder, name)),
    options: {
      allowJs: true,
      checkJs: true,
      strict: true,
      noImplicitAny: false,
      noEmit: true,
      skipLibCheck: true,
      target: ts.ScriptTarget.ES2024,
      module: ts.ModuleKind.NodeNext,
      moduleDetection: ts.ModuleDetectionKind.Force,
      types: ['node'],
      typeRoots: [join(root, 'node_modules/@types')],
    },
  })
  return ts
    .getPreEmitDiagnostics(program)
    .map(
      ({ file, messageText }) =>
        `${file?.fileName.slice(folder.length + 1)}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`,
    )
}

it('are content with the shipped migrations and with each new one', async () => {
  for (const phase of PHASES) await newMigration(folder, `change_in_${phase}`, phase)
  expect(await findings()).toEqual([])
})

it.each([
  ['a phase that there is not', "phase: 'expand'", "phase: 'later'", /'"later"' is not assignable to type 'Phase'/],
  [
    'a word that it does not know',
    'await schema.restore()',
    'await schema.undo()',
    /'undo' does not exist on type 'Schema'/,
  ],
])('name %s', async (_, right, wrong, says) => {
  const path = await newMigration(folder, 'add_state', 'expand')
  await writeFile(path, (await readFile(path, 'utf8')).replace(right, wrong))
  expect(await findings()).toEqual([expect.stringMatching(says)])
})
