import { describe, expect, it } from 'vitest'
import type { StoredBackup } from '../../../src/backup/catalogue.ts'
import {
  compareDefinitions,
  compareDocuments,
  compareFolder,
  compareRestored,
  judgeAge,
  judgeNewest,
} from '../../../src/backup/compare.ts'
import { parseMetadata } from '../../../src/backup/definition.ts'
import { contents, metadata } from './contents.ts'

const HOUR = 3_600_000
const now = new Date('2026-11-24T12:00:00.000Z')
const wanted =
  contents.database ??
  (() => {
    throw new Error('no database')
  })()

describe('L0', () => {
  const stored = (id: string, bytes: number): StoredBackup => ({
    ...{ id, host: 'pacs1' },
    startedAt: `${id.slice(0, 4)}-${id.slice(4, 6)}-${id.slice(6, 8)}T${id.slice(9, 11)}:00:00.000Z`,
    bytes,
    snapshots: [],
  })
  const before = [900, 1100, 1000].map((bytes, day) => stored(`2026112${day}t100000z-00000000`, bytes)).reverse()
  const judged = (one: StoredBackup) => judgeAge(one, [one, ...before], now, 26 * HOUR).findings

  it.each([
    ['young and as large as the others', stored('20261124t100000z-00000000', 1000), []],
    [
      'old',
      stored('20261123t090000z-00000000', 1000),
      ['the backup is 27 h 0 min old, at most 26 h 0 min are allowed'],
    ],
    [
      'of a day to come',
      stored('20261125t100000z-00000000', 1000),
      ['the backup is of 2026-11-25T10:00:00.000Z, which is to come: is the clock right?'],
    ],
    [
      'suddenly small',
      stored('20261124t100000z-00000000', 400),
      ['the backup holds 400 bytes, the 3 before it hold 1000 (median)'],
    ],
    [
      'of no size',
      stored('20261124t100000z-00000000', 0),
      ['the backup holds 0 bytes, the 3 before it hold 1000 (median)'],
    ],
  ])('judges one that is %s', (_, one, findings) => {
    expect(judged(one)).toEqual(findings)
  })
})

describe('L2', () => {
  it('finds collections that did not come back, documents that were refused, and documents that nobody speaks of', () => {
    const refused = { name: 'reports', inserted: 1, refused: 1, examples: [{ id: '"r1"', code: 121 }] }
    expect(compareRestored(wanted, [refused]).findings).toEqual([
      'reports: 1 documents were refused: _id "r1" (code 121)',
      'sessions: was not restored',
    ])
    const short = { name: 'reports', inserted: 1, refused: 0, examples: [] }
    const sessions = { name: 'sessions', inserted: 1, refused: 0, examples: [] }
    expect(compareRestored(wanted, [short, sessions]).findings).toEqual(['reports: 1 of 2 documents'])
  })
})

describe('L3', () => {
  const sessions = parseMetadata(metadata('sessions'))
  it.each([
    ['nothing at all', [], ['reports: is missing', 'sessions: is missing']],
    ['an index less', [parseMetadata(metadata('reports')), sessions], ['reports: index by_study is missing']],
    [
      'an index of other order',
      [parseMetadata(metadata('reports', { indexes: [{ name: 'by_study', key: { study: -1 } }] })), sessions],
      ['reports: index by_study differs'],
    ],
    [
      'a validator and a collection more',
      [
        parseMetadata(
          metadata('reports', { indexes: [{ name: 'by_study', key: { study: 1 } }], options: { validator: {} } }),
        ),
        sessions,
        parseMetadata(metadata('intruder')),
      ],
      ['reports: option validator was not there', 'intruder: was not there'],
    ],
  ])('finds %s', (_, found, findings) => {
    expect(compareDefinitions(wanted, found).findings).toEqual(findings)
  })
})

describe('L4', () => {
  const reports = { name: 'reports', count: 2, hash: 'a'.repeat(64) }
  const sessions = { name: 'sessions', count: 1, hash: 'b'.repeat(64) }
  it.each([
    ['the same', [reports, sessions], []],
    ['a missing collection', [reports], ['sessions: all 1 documents are missing']],
    ['a document less', [{ ...reports, count: 1 }, sessions], ['reports: holds 1 documents, 2 were backed up']],
    ['a document more', [{ ...reports, count: 3 }, sessions], ['reports: holds 3 documents, 2 were backed up']],
    [
      'a changed document',
      [{ ...reports, hash: 'c'.repeat(64) }, sessions],
      ['reports: as many documents as were backed up (2), but not the same ones'],
    ],
  ])('finds %s', (_, found, findings) => {
    expect(compareDocuments(wanted, found)).toMatchObject({ checked: 3, findings })
  })

  it('finds a file of a folder that is lost or another', () => {
    const folder = { name: 'stack', secret: false, files: 2, bytes: 10, hash: 'a'.repeat(64) }
    expect(compareFolder(folder, folder).findings).toEqual([])
    expect(compareFolder(folder, { files: 1, hash: '' }).findings).toEqual(['stack: 1 of 2 files'])
    expect(compareFolder(folder, { files: 2, hash: '' }).findings).toEqual([
      'stack: a file is not the one that was backed up',
    ])
  })
})

describe('the newest record', () => {
  it('is judged by what lay behind the backup, not ahead of it', () => {
    expect(judgeNewest(wanted, contents.finishedAt, 2 * HOUR).findings).toEqual([])
    const [line] = judgeNewest(wanted, contents.finishedAt, HOUR).findings
    expect(line).toMatch(
      /^the newest record \(reports\.createdAt\) was .* old when the backup was made.*right database\?$/,
    )
  })

  it('is missed where no collection has a date', () => {
    const bare = { ...wanted, collections: wanted.collections.slice(1) }
    expect(judgeNewest(bare, contents.finishedAt, HOUR).findings).toEqual(['no collection holds a dated record'])
  })
})
