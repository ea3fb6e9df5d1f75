import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtempDisposable, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runCli } from '../../../src/agent/cli/run.ts'
import { openAgent } from '../../../src/agent/client.ts'
import { layout } from '../../../src/agent/layout.ts'
import { runCommand } from '../../../src/cli/main.ts'
import { run } from '../../../src/lib/index.ts'
import { GUIDE, guideBlocks } from '../../docs/guide.ts'
import { lostLinks } from '../../docs/links.ts'

const root = join(import.meta.dirname, '../../..')
const text = await readFile(join(root, GUIDE), 'utf8')

/** What a command prints for its help. */
async function helpOf(run: (print: (line: string) => void) => Promise<number>): Promise<string> {
  const lines: string[] = []
  await run((line) => void lines.push(line))
  return lines.join('\n')
}

const agent = openAgent(() => Promise.reject(new Error('no agent here')))
const consoleOf = (print: (line: string) => void) => {
  return { print, warn: () => undefined, env: {}, paths: layout(), agent, now: () => new Date() }
}

describe('the deployment guide', () => {
  it('marks each block with where it runs, or why it cannot', async () => {
    const blocks = await guideBlocks()
    expect(blocks.filter(({ where }) => where === 'server').length).toBeGreaterThan(10)
    expect(blocks.filter(({ where }) => where === 'checkout').length).toBeGreaterThan(2)
    expect(blocks.filter(({ where }) => where === 'nowhere').length).toBeLessThan(8)
    // A command outside of a marked block is one that nobody ran.
    expect(text.split('\n').filter((line) => /^ {4}\S/.test(line))).toEqual([])
  })

  it('names as the test of a block that is not run only one that is there', () => {
    const named = [...text.matchAll(/\btest\/[\w./-]+\.test\.ts\b/g)].map(([path]) => path)
    expect(named.length).toBeGreaterThan(3)
    expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([])
  })

  it('names only verbs of pacs-agent and pacs-deploy that there are', async () => {
    const verbs = await helpOf((print) => runCli(['--help'], consoleOf(print)))
    const named = [...text.matchAll(/pacs-agent ([a-z][a-z\\|]+)/g)].flatMap(([, verb = '']) => verb.split(/\\?\|/))
    const known = (verb: string) => verb === 'runs' || new RegExp(`^  ${verb}\\b`, 'm').test(verbs)
    expect(named.length).toBeGreaterThan(20)
    expect([...new Set(named)].filter((verb) => !known(verb))).toEqual([])
    const usage = await helpOf((print) => runCommand(['--help'], { print, aside: print, root, env: {} }))
    const commands = [...text.matchAll(/npx pacs-deploy (\w+)/g)].map(([, command = '']) => command)
    expect(commands.length).toBeGreaterThan(8)
    expect(commands.filter((command) => !usage.includes(`pacs-deploy ${command} `))).toEqual([])
  })

  it('has every file made anew that holds a password which it renews', async () => {
    const block = (await guideBlocks()).find(({ text }) => text.includes('redis-metrics-password'))
    const removal = /^rm .*$/m.exec(block?.text ?? '')?.[0] ?? expect.unreachable()
    await using folder = await mkdtempDisposable(join(tmpdir(), 'pacs-secrets-'))
    const script = join(root, 'deployment/production/scripts/make-secrets.sh')
    const shell = `"$0" . && before=$(cat redis-metrics-password) && ${removal} && "$0" . && test "$before" != "$(cat redis-metrics-password)"`
    await run('bash', ['-euc', shell, script], { cwd: folder.path, env: { PATH: process.env.PATH ?? '' } })
    const read = (name: string) => readFile(join(folder.path, name), 'utf8')
    const password: string = Object.values<string>(JSON.parse(await read('redis-metrics.json')))[0] ?? ''
    const hash = createHash('sha256').update(password).digest('hex')
    expect(await read('redis-users.acl')).toContain(`user metrics on #${hash} `)
    const { metrics } = JSON.parse(await read('orthanc-users.json')).RegisteredUsers
    expect(metrics).toBe(await read('orthanc-metrics-password'))
  })

  it('links only to what is there, headings too', async () => {
    expect(await lostLinks(GUIDE)).toEqual([])
  })
})
