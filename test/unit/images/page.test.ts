import { describe, expect, test } from 'vitest'
import { describePage, overBudget, pageTable, type WeighedPage } from '../../../src/images/page-budget.ts'
import { firstLoads, readPageWeight } from '../../../src/images/page-weight.ts'

const chunk = (file: string, more: object = {}) => ({ file, isEntry: false, imports: [], css: [], ...more })
const KIB = 1024
const [old, young] = ['a'.repeat(40), 'b'.repeat(40)]

describe('what a page loads first', () => {
  test('is its HTML, scripts and styles, with all that they import at once, and nothing that is loaded later', () => {
    const manifest = {
      'index.html': chunk('assets/index-AAAA.js', {
        isEntry: true,
        imports: ['_shared.js'],
        css: ['assets/index-BBBB.css'],
        dynamicImports: ['src/viewer.ts'],
      }),
      '_shared.js': chunk('assets/shared-CCCC.js', { imports: ['_deep.js'], css: ['assets/shared-DDDD.css'] }),
      '_deep.js': chunk('assets/deep-EEEE.js', { imports: ['_shared.js'] }),
      'src/viewer.ts': chunk('assets/viewer-FFFF.js', { imports: ['_shared.js'] }),
    }
    expect(firstLoads(manifest).map((files) => files.toSorted())).toEqual([
      [
        ...['assets/deep-EEEE.js', 'assets/index-AAAA.js', 'assets/index-BBBB.css'],
        ...['assets/shared-CCCC.js', 'assets/shared-DDDD.css', 'index.html'],
      ],
    ])
  })

  test('is told of each page of a build with several', () => {
    const pages = { 'index.html': chunk('a.js', { isEntry: true }), 'admin.html': chunk('b.js', { isEntry: true }) }
    expect(firstLoads(pages)).toEqual([
      ['index.html', 'a.js'],
      ['admin.html', 'b.js'],
    ])
  })

  test.each([undefined, '', '{"bytes":"many"}'])('is unknown of a release that says %s', (text) => {
    expect(readPageWeight(text)).toBeNull()
  })
})

describe('the budget of a page', () => {
  const files = Array.from({ length: 12 }, (_, index) => ({
    path: `assets/${young}/part${index}-Ab3_-xyZ.js`,
    bytes: (20 - index) * KIB,
  }))
  const weight = { bytes: 180 * KIB, files }
  const before = {
    bytes: 179 * KIB,
    files: [
      { path: `assets/${old}/part0-00000000.js`, bytes: 21 * KIB },
      { path: `assets/${old}/part1-00000000.js`, bytes: 17 * KIB },
    ],
  }
  const page: WeighedPage = { service: 'web', weight, budget: 180 * KIB, before }

  test('is kept by a page that weighs just as much', () => {
    expect(overBudget([page])).toBeUndefined()
    expect(describePage(page)).toEqual([
      'page of web',
      '180.0 KiB of 180.0 KiB that it may load first (gzipped), +1.0 KiB since the last release',
    ])
  })

  test('refuses one byte more in one line that names page, sizes, largest files and what to do', () => {
    const failure = overBudget([{ ...page, budget: 180 * KIB - 1 }])
    expect(failure?.kind).toBe('refused')
    expect(failure?.message).toMatch(
      /^web: its page loads 180.0 KiB first \(gzipped\), its bundle-budget is 180.0 KiB: the largest are \S+part0-\S+ 20.0 KiB, .*import\(\).*$/,
    )
  })

  test('shows the ten largest files and what each has grown by, whatever hash and folder its name has', () => {
    const rows = pageTable([page])
    expect(rows).toHaveLength(10)
    expect(rows.slice(0, 3).map((row) => row.slice(2))).toEqual([
      ['20.0 KiB', '−1.0 KiB'],
      ['19.0 KiB', '+2.0 KiB'],
      ['18.0 KiB', 'new'],
    ])
    expect(pageTable([{ ...page, before: null }])[0]?.at(-1)).toBe('')
  })
})
