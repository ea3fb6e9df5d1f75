import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runCli } from '../../../src/agent/cli/run.ts'
import { openAgent } from '../../../src/agent/client.ts'
import { layout } from '../../../src/agent/layout.ts'
import { runCommand } from '../../../src/cli/main.ts'
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

  it('links only to what is there, headings too', async () => {
    expect(await lostLinks(GUIDE)).toEqual([])
  })
})
