import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '../../..')
const page = await readFile(join(root, 'docs/controls.md'), 'utf8')
const rows = page.split('\n').filter((line) => /^\| (164|11)\./.test(line))

/** What asks for something: the specifications of 45 CFR 164.308 and 164.312, standards that have none, and 21 CFR Part 11. */
const ASKED = `
164.308(a)(1)(ii)(A) to (D); 164.308(a)(2); 164.308(a)(3)(ii)(A) to (C); 164.308(a)(4)(ii)(A) to (C); 164.308(a)(5)(ii)(A) to (D);
164.308(a)(6)(ii); 164.308(a)(7)(ii)(A) to (E); 164.308(a)(8); 164.308(b)(3);
164.312(a)(2)(i), (ii), (iii), (iv); 164.312(b); 164.312(c)(2); 164.312(d); 164.312(e)(2)(i), (ii);
11.10(a) to (k); 11.30; 11.50; 11.70; 11.100; 11.200(a)(1) to (3); 11.200(b); 11.300(a) to (e)`

/** The paragraphs of `11.10(a) to (c), (e)`: `(a)(4)` stands behind the section, anything else in place of as many parts as it has. */
function paragraphsOf(cell: string): string[] {
  const found: string[] = []
  for (const [, to, section, parts = ''] of cell.matchAll(/(?:, |( to )|^)(\d+\.\d+)?((?:\(\w+\))*)/g)) {
    const [before = '', ...own] = found.at(-1)?.split(/(?=\()/) ?? []
    const isWhole = /^\([a-z]\)\(\d/.test(parts)
    const kept = section ?? [before, ...(isWhole ? [] : own.slice(0, -parts.split('(').slice(1).length))].join('')
    const [first, last] = [own.at(-1), parts].map((path) => path?.charCodeAt(path.length - 2) ?? 0)
    if (to !== undefined)
      for (let next = (first ?? 0) + 1; next < (last ?? 0); next++) found.push(`${kept}(${String.fromCharCode(next)})`)
    found.push(`${kept}${parts}`)
  }
  return found
}

describe('docs/controls.md', () => {
  it('says of every paragraph that asks for something what supports it, or to whom it is left', () => {
    const asked = ASKED.split(';').flatMap((cell) => paragraphsOf(cell.trim()))
    expect(asked.length).toBe(56)
    const told = rows.flatMap((row) => paragraphsOf(row.split(' | ')[0]?.slice(2) ?? ''))
    expect(
      asked.filter((paragraph) => !told.some((one) => paragraph === one || paragraph.startsWith(`${one}(`))),
    ).toEqual([])
  })

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
