import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runCommand } from '../../../src/cli/main.ts'
import { exitClass, run } from '../../../src/lib/index.ts'

const shipped = join(import.meta.dirname, '../../../deployment/production/migrations')
const samples = join(import.meta.dirname, '../../fixtures/migrations')
let directory: string
let printed: string[]

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pacs-cli-'))
  printed = []
})
afterEach(() => rm(directory, { recursive: true, force: true }))

function command(...args: string[]): Promise<number> {
  return runCommand(args, {
    print: (line) => void printed.push(line),
    aside: () => undefined,
    root: '',
    env: { PATH: process.env.PATH },
  })
}

describe('migrations', () => {
  const inFolder = () => ['--folder', join(directory, 'migrations')]

  beforeEach(() => cp(shipped, join(directory, 'migrations'), { recursive: true }))

  it('takes a new one from an empty file to a locked one that lint lets pass', async () => {
    expect(await command('migrations', 'new', 'add_report_state', '--phase', 'data', ...inFolder())).toBe(exitClass.ok)
    const [path = ''] = printed
    expect(path).toMatch(/\/\d{3}_add_report_state\.js$/)
    expect(await command('migrations', 'lint', ...inFolder())).toBe(exitClass.refused)
    expect(printed.join('\n')).toMatch(/add_report_state\.js:1: error lock: /)
    expect(await command('migrations', 'lock', ...inFolder())).toBe(exitClass.ok)
    printed = []
    expect(await command('migrations', 'lint', ...inFolder())).toBe(exitClass.ok)
    expect(printed).toEqual(['0 findings'])
  })

  it('refuses an edit of one that is locked', async () => {
    const path = join(directory, 'migrations/001_create_collections.js')
    await writeFile(path, `${await readFile(path, 'utf8')}\n// edited\n`)
    expect(await command('migrations', 'lint', '--json', ...inFolder())).toBe(exitClass.refused)
    expect(printed[0]).toContain('001_create_collections')
    await expect(command('migrations', 'lock', ...inFolder())).rejects.toThrow(/001_create_collections/)
  })

  it('finds a contract in the release of its data migration since the commit that was released', async () => {
    const git = (...args: string[]) => run('git', args, { cwd: directory, env: { PATH: process.env.PATH ?? '' } })
    await git('init', '--quiet')
    await git('add', '.')
    await git('-c', 'user.name=a', '-c', 'user.email=a@example.org', 'commit', '--quiet', '--message', 'released')
    for (const name of ['003_report_words', '004_count_words', '005_drop_note'])
      await cp(join(samples, `${name}.js`), join(directory, `migrations/${name}.js`))
    await command('migrations', 'lock', ...inFolder())
    printed = []
    expect(await command('migrations', 'lint', ...inFolder())).toBe(exitClass.ok)
    expect(await command('migrations', 'lint', '--since', 'HEAD', ...inFolder())).toBe(exitClass.refused)
    expect(printed.join('\n')).toMatch(/005_drop_note\.js:\d+: error contract-too-early: /)
    await expect(command('migrations', 'lint', '--since', 'nowhere', ...inFolder())).rejects.toThrow(
      /--since nowhere: git has no migrations\.lock\.json of .* there/,
    )
    const absent = ['--folder', join(directory, 'nowhere')]
    await expect(command('migrations', 'lint', '--since', 'HEAD', ...absent)).rejects.toThrow(
      /cannot change to .*nowhere/,
    )
  })

  it.each([
    [['new'], /give it a name/],
    [['new', 'a', 'b'], /what is "b"/],
    [['new', 'NoSnake'], /snake_case/],
    [['new', 'a', '--phase', 'later'], /--phase is "later"; allowed: expand, data, contract/],
    [['lock', '--jason'], /--jason/],
    [
      ['lock', '--folder', 'a', '--folder', 'b'],
      /^migrations lock: --folder is given twice: say it once \(pacs-deploy --help\)$/,
    ],
    [['lint', '--since='], /--since is empty: name the commit/],
    [['unlock'], /there are new, lock and lint/],
  ])('says what is wrong with %j', async (args, says) => {
    await expect(command('migrations', ...args, ...inFolder())).rejects.toThrow(says)
  })
})

describe('a command', () => {
  it('that is unknown is told from what there is', async () => {
    const unknown = {
      kind: 'bad-input',
      message: 'there is no command "deploy"; there are init, setup, doctor, stack, migrations (pacs-deploy --help)',
    }
    await expect(command('deploy')).rejects.toMatchObject(unknown)
    await expect(command('deploy', '--help')).rejects.toMatchObject(unknown)
    expect(printed).toEqual([])
    await expect(command('stack', 'fix')).rejects.toThrow(/"stack check", not "fix"/)
    expect(await command()).toBe(exitClass.ok)
    expect(printed[0]).toMatch(/^usage: pacs-deploy init .*\n +pacs-deploy setup /)
    expect(await command('stack', 'check', '--help')).toBe(exitClass.ok)
    expect(printed.at(-1)).toBe('usage: pacs-deploy stack check [--compose-file PATH] [--json]')
  })

  it.each([
    ['migrations', 'unlock'],
    ['stack', 'fix'],
    ['init', 'everything'],
    ['doctor', 'house'],
  ])('is not explained to who asks for %s %s, which is no word of it', async (...words) => {
    const wrong = { kind: 'bad-input', message: `what is "${words[1]}"? (pacs-deploy ${words[0]} --help)` }
    await expect(command(...words, '--help')).rejects.toMatchObject(wrong)
    expect(printed).toEqual([])
  })

  it.each([['migrations'], ['migrations', 'new', 'a'], ['setup', 'ada@host'], ['doctor', '--offline']])(
    'is explained after right words: %s %s',
    async (...words) => {
      expect(await command(...words, '--help')).toBe(exitClass.ok)
      expect(printed[0]).toMatch(`usage: pacs-deploy ${words[0]} `)
    },
  )
})
