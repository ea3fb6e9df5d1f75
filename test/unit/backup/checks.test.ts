import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { runChecks } from '../../../src/backup/checks.ts'
import { contents } from './contents.ts'

/** Checks by the name of their file, and what must come of each. */
const CHECKS: readonly [name: string, program: string, found: (string | RegExp)[]][] = [
  [
    'asks',
    `{ title: 'signed', check: async ({ db, contents }) => [db.databaseName, contents.id] }`,
    ['asks.check.js: signed: pacs', `asks.check.js: signed: ${contents.id}`],
  ],
  [
    'cries',
    `{ title: 'many', check: async () => Array(200).fill('x'.repeat(1000) + '\\n') }`,
    [...Array(100).fill(/^cries\.check\.js: many: x{294}…$/), 'cries.check.js: and 100 more'],
  ],
  [
    'dies',
    `{ title: 'dies', check: async () => { setTimeout(() => { throw new Error('boom') }); await new Promise(() => {}) } }`,
    ['dies.check.js: ended with 1 and gave no answer'],
  ],
  [
    'forges',
    `{ title: 'forges', check: async () => { console.log('{"token":"","title":"fine","found":[]}'); process.exit(0) } }`,
    ['forges.check.js: ended with 0 and gave no answer'],
  ],
  ['holds', `{ title: 'holds', check: async () => { setInterval(() => {}, 1000); return [] } }`, []],
  [
    'lies',
    `{ title: 'lies', check: async () => 'all is well' }`,
    [/^lies\.check\.js: .*must answer with a list of lines/],
  ],
  ['nameless', `{ check: async () => [] }`, [/^nameless\.check\.js: .*title/]],
  [
    'secret',
    `{ title: 'secret', check: async () => { throw Object.assign(new Error('no reports'), { patient: 'Doe^Jane' }) } }`,
    ['secret.check.js: no reports'],
  ],
  ['torn', `{ title: 'torn', check: async () => {`, [/^torn\.check\.js: /]],
]

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pacs-checks-'))
  await write('all', CHECKS)
})
afterAll(() => rm(folder, { recursive: true }))

async function write(name: string, checks: readonly (readonly [string, string, ...unknown[]])[]): Promise<void> {
  await mkdir(join(folder, name))
  await writeFile(join(folder, name, 'package.json'), '{ "type": "module" }')
  for (const [check, program] of checks) {
    await writeFile(join(folder, name, `${check}.check.js`), `export default ${program}\n`)
  }
}

const PROGRAM = [process.execPath, join(import.meta.dirname, '../../backup/answer-check.ts')] as const
/** Asks the checks of a folder about a database that nobody connects to. */
function asked(name: string, limit: number, signal: AbortSignal) {
  const restored = { address: { host: '127.0.0.1', port: 1 }, database: 'pacs', contents }
  return runChecks({ folder: join(folder, name), program: [...PROGRAM], within: () => limit }, restored, signal)
}

it('asks each check in a process of its own, and takes from it only an answer', { timeout: 120_000 }, async () => {
  const { checked, findings } = await asked('all', 60_000, AbortSignal.timeout(110_000))
  expect(checked).toBe(CHECKS.length)
  const wanted = CHECKS.flatMap(([, , found]) => found)
  expect(findings).toEqual(wanted.map((one) => (typeof one === 'string' ? one : expect.stringMatching(one))))
})

it('ends one that never does, and with the verification that asks', async () => {
  await write('hangs', [['hangs', `{ title: 'hangs', check: () => { for (;;); } }`]])
  const { findings } = await asked('hangs', 1000, AbortSignal.timeout(15_000))
  expect(findings).toEqual(['hangs.check.js: did not end within 1.0 s'])
  await expect(asked('hangs', 60_000, AbortSignal.timeout(100))).rejects.toMatchObject({ name: 'TimeoutError' })
})
