import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '../../..')
const page = await readFile(join(root, 'docs/controls.md'), 'utf8')
const rows = page.split('\n').filter((line) => /^\| (164|11)\./.test(line))

describe('docs/controls.md', () => {
  it('names only files that are there', () => {
    const named = [...page.matchAll(/`((?:test|deployment|src|docs)\/[\w./-]+\.\w+)`/g)].map(([, path]) => path ?? '')
    expect(named.length).toBeGreaterThan(30)
    expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([])
  })

  it('names only tests that their files have', async () => {
    const named = [...page.matchAll(/`([\w./-]+\.test\.[jt]s)`: "([^"]+)"/g)]
    expect(named.length).toBeGreaterThan(25)
    const lost: string[] = []
    for (const [, path = '', title = ''] of named) {
      const text = await readFile(join(root, path), 'utf8')
      if (![`'${title}'`, `"${title}"`, `\`${title}\``].some((quoted) => text.includes(quoted)))
        lost.push(`${path}: ${title}`)
    }
    expect(lost).toEqual([])
  })

  it('shows a proof for every paragraph that it says to support', () => {
    const left = page.slice(page.indexOf('## Left to you'))
    const unproved = rows.filter((row) => !left.includes(row) && !/`[\w./-]+\.(test|check)\.[jt]s`/.test(row))
    expect(unproved).toEqual([])
  })

  it('claims support, never compliance', () => {
    expect(page).not.toMatch(/\b(compl(y|ies|iant|iance)|certif(y|ied)|guarantees?)\b/i)
  })
})
