import { describe, expect, it } from 'vitest'
import { renderSummary } from '../../../src/runner/index.ts'

describe('summary', () => {
  it('says what happened in its first line', () => {
    const text = renderSummary({
      good: false,
      title: 'Deploy to staging: rolled-back',
      message: 'ready: no',
      rows: [['release', 'x']],
    })
    expect(text).toBe('### ❌ Deploy to staging: rolled-back\n\nready: no\n\n| | |\n|---|---|\n| release | x |\n\n')
  })

  it('lets no value be markup or another row', () => {
    const text = renderSummary({
      good: true,
      title: 'T',
      message: '[a](javascript:b) <img src=x> **c** @team',
      rows: [['name', 'a | b\n| forged | row |']],
    })
    expect(text).not.toMatch(/<img|\]\(|\*\*|@team/)
    expect(text.split('\n').filter((line) => line.startsWith('|'))).toHaveLength(3)
  })

  it('stays far below what GitHub takes', () => {
    const rows = Array.from({ length: 5000 }, (_, index): [string, string] => [`row ${index}`, 'ü'.repeat(1000)])
    const text = renderSummary({ good: true, title: 'T', message: 'm', rows })
    expect(Buffer.byteLength(text)).toBeLessThan(66 * 1024)
    expect(text).toContain('(cut: the log has the rest)')
  })
})
