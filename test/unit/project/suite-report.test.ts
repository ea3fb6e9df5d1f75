import { describe, expect, it } from 'vitest'
import {
  type FileReport,
  failedByLab,
  failedLines,
  replaceFiles,
  skippedLines,
  totalsLine,
  totalsOf,
} from '../../../scripts/suite-report.ts'

type Test = FileReport['tests'][number]
const test = (state: Test['state'], note = '', messages: string[] = []): Test => ({
  name: 'does it',
  state,
  note,
  messages,
})
const file = (name: string, tests: Test[], errors: string[] = []): FileReport => ({ file: name, tests, errors })
const report = (...files: FileReport[]) => ({ errors: [] as string[], files })

describe('totalsOf', () => {
  it('adds up the tests of all suites', () => {
    const totals = totalsOf([
      report(file('a', [test('passed'), test('failed')])),
      report(file('b', [test('passed'), test('skipped', 'no MongoDB')])),
    ])
    expect(totalsLine(totals)).toBe('2 passed, 1 failed, 1 skipped')
  })

  it('counts a hook that failed and left its tests skipped', () => {
    expect(totalsOf([report(file('a', [test('skipped')], ['Error: no port']))])).toMatchObject({ failed: 1, passed: 0 })
  })

  it('counts what failed outside of any file', () => {
    expect(totalsOf([{ errors: ['Error: unhandled'], files: [file('a', [test('passed')])] }])).toMatchObject({
      failed: 1,
    })
  })
})

describe('failedByLab', () => {
  it('tells a lab that could not start from a product that failed', () => {
    expect(failedByLab(file('a', [test('skipped')], ['LabError: no engine answers']))).toBe(true)
    expect(failedByLab(file('a', [test('failed', '', ['LabError: server s1 did not boot'])]))).toBe(true)
    expect(failedByLab(file('a', [test('failed', '', ['AssertionError: the text "LabError: x" was expected'])]))).toBe(
      false,
    )
    expect(failedByLab(file('a', [test('passed')]))).toBe(false)
  })
})

describe('replaceFiles', () => {
  it('takes the second try of a repeated file and keeps the others', () => {
    const first = report(file('a', [test('failed')]), file('b', [test('passed')]))
    const merged = replaceFiles(first, report(file('a', [test('passed')])))
    expect(totalsOf([merged])).toEqual({ passed: 2, failed: 0, skipped: 0 })
  })

  it('keeps what failed outside of files, in either try', () => {
    const first = { errors: ['one'], files: [file('a', [test('failed')])] }
    expect(replaceFiles(first, { errors: ['two'], files: [] }).errors).toEqual(['one', 'two'])
  })
})

describe('failedLines', () => {
  it('repeats what failed, in tests and outside of them, with the beginning of its message', () => {
    const long = { ...test('failed'), name: 'counts', messages: [`AssertionError: ${'x'.repeat(1000)}`] }
    const reports = [
      {
        errors: ['Error: a promise nobody awaited'],
        files: [file('a.test.ts', [long, test('passed')], ['Error: no port'])],
      },
    ]
    expect(failedLines(reports)).toEqual([
      'failed: outside of every file: Error: a promise nobody awaited',
      'failed: a.test.ts: Error: no port',
      `failed: a.test.ts: counts: AssertionError: ${'x'.repeat(584)}`,
    ])
  })
})

describe('skippedLines', () => {
  it('gives the reason of each skipped test, and says where none was given', () => {
    expect(skippedLines([report(file('a.test.ts', [test('skipped', 'no MongoDB here'), test('skipped')]))])).toEqual([
      'skipped: a.test.ts: does it: no MongoDB here',
      'skipped: a.test.ts: does it: no reason given',
    ])
  })

  it('leaves out tests that a failed hook took along', () => {
    expect(skippedLines([report(file('a', [test('skipped')], ['Error: no port']))])).toEqual([])
  })
})
