import { MongoClient } from 'mongodb'
import { describe, expect, it } from 'vitest'
import { idTag, PART } from '../../../src/backup/catalogue.ts'
import { keepOplog, sliceStarts } from '../../../src/backup/keep-oplog.ts'
import { oplogInstant, oplogTime, oplogTimeText, startOfSecond } from '../../../src/backup/oplog-time.ts'
import { chainFrom, type LiveReach, type Reach } from '../../../src/backup/point-in-time.ts'
import { Restic } from '../../../src/backup/restic.ts'

const at = (minute: number, increment = 1) => oplogTime(`${1_800_000_000 + minute * 60}.${increment}`)
const until = (minute: number) => startOfSecond(new Date((1_800_000_000 + minute * 60) * 1000))
const nothing = { why: 'it is away' }
/** A dump of minute 0, and later backups with the oplog of these minutes. */
const chain = async (minute: number, slices: [from: number, to: number][], live: LiveReach = nothing) => {
  let asked = 0
  async function* later(): AsyncGenerator<Reach> {
    for (const [from, to] of slices) {
      asked += 1
      yield { id: `b${asked}`, from: at(from), to: at(to) }
    }
  }
  const found = await chainFrom(at(0), until(minute), later(), live)
  return { found, asked }
}

describe('a point in time', () => {
  it('is had from the oplogs of later backups, and no more of them are read than are needed', async () => {
    expect(
      await chain(15, [
        [0, 10],
        [10, 20],
        [20, 30],
      ]),
    ).toEqual({ found: { slices: ['b1', 'b2'], liveFrom: null }, asked: 2 })
  })

  it('may be the last one that they tell of', async () => {
    expect((await chain(10, [[0, 10]])).found).toEqual({ slices: ['b1'], liveFrom: null })
  })

  it('is had from one that reaches back over a backup that is gone', async () => {
    expect(
      (
        await chain(25, [
          [0, 10],
          [5, 30],
        ])
      ).found,
    ).toEqual({ slices: ['b1', 'b2'], liveFrom: null })
    expect(
      (
        await chain(25, [
          [0, 30],
          [10, 20],
        ])
      ).found,
    ).toEqual({ slices: ['b1'], liveFrom: null })
  })

  it('is had from the live server where no backup follows, as long as its oplog reaches back', async () => {
    expect((await chain(30, [[0, 10]], { oldest: at(10), now: at(60) })).found).toEqual({
      slices: ['b1'],
      liveFrom: at(10),
    })
    expect((await chain(30, [], { oldest: at(-5), now: at(60) })).found).toEqual({ slices: [], liveFrom: at(0) })
  })

  it('is refused over a gap, with the instants that can be had', async () => {
    expect(
      (
        await chain(25, [
          [0, 10],
          [15, 30],
        ])
      ).found,
    ).toBe(
      'what was written from 2027-01-15T08:10:00Z to 2027-01-15T08:25:00Z is not told without a gap: it is away; from this backup --to may be 2027-01-15T08:00:01Z to 2027-01-15T08:10:00Z',
    )
    expect((await chain(25, [], { oldest: at(3), now: at(60) })).found).toBe(
      'what was written from 2027-01-15T08:00:00Z to 2027-01-15T08:25:00Z is not told without a gap: the live server keeps its oplog only from 2027-01-15T08:03:00Z on; nothing follows upon this backup',
    )
  })

  it('that is to come is refused', async () => {
    expect((await chain(70, [], { oldest: at(0), now: at(60) })).found).toBe(
      '2027-01-15T09:10:00Z is to come, or less than 10 s ago',
    )
  })

  it('is a second of the clock: what was written in it comes later', () => {
    expect(oplogTimeText(startOfSecond(new Date('2026-11-28T10:15:00.900Z')))).toBe('1795860900.0')
    expect(oplogInstant(oplogTime('1795860900.17'))).toBe('2026-11-28T10:15:00Z')
    expect(oplogTime('1795860899.4294967295')).toBeLessThan(startOfSecond(new Date('2026-11-28T10:15:00Z')))
  })
})

describe('the oplog that a backup keeps', () => {
  const backups = [
    '2026-11-28T10:00:00.000Z',
    '2026-11-28T01:30:00.000Z',
    '2026-11-27T20:00:00.000Z',
    '2026-11-27T01:30:00.000Z',
  ]
  const starts = (now: string, all = backups) =>
    sliceStarts(
      all.map((startedAt) => ({ startedAt })),
      new Date(now),
    ).map(({ startedAt }) => startedAt)

  it('follows upon the last backup of an earlier day, which retention keeps, or else upon the newest', () => {
    expect(starts('2026-11-28T12:00:00Z')).toEqual([backups[2], backups[0]])
    expect(starts('2026-11-29T01:30:00Z')).toEqual([backups[0]])
    expect(starts('2026-11-28T12:00:00Z', backups.slice(0, 2))).toEqual([backups[0]])
    expect(starts('2026-11-28T12:00:00Z', [])).toEqual([])
  })

  it('goes by the day on which its backup began, as retention does, though the dump ended on the next', async () => {
    const asked: string[] = []
    const repository = { location: '/backups', passwordFile: '/password' }
    class Unread extends Restic {
      override async read(snapshot: string): Promise<string> {
        asked.push(snapshot)
        throw new Error('not read here')
      }
    }
    const stored = (day: string, time: string) => ({
      id: `of ${day}`,
      hostname: 'test',
      tags: [idTag(`202611${day}t${time}z-1f2e3d4c`), PART.contents],
      paths: ['/work/contents.json'],
    })
    await keepOplog(
      {
        client: new MongoClient('mongodb://127.0.0.1'),
        restic: new Unread('/bin/false', repository, '/bin', '/tmp'),
        ...{ host: 'test', startedAt: new Date('2026-11-28T23:59:00Z'), file: '/tmp/oplog.bson' },
        held: Promise.resolve([stored('27', '013000'), stored('28', '013000')]),
        signal: new AbortController().signal,
      },
      { database: 'pacs', moment: { kind: 'snapshot', clusterTime: '1795910500.1' } },
    )
    expect(asked).toEqual(['of 27', 'of 28'])
  })
})
