import { describe, expect, it } from 'vitest'
import {
  arrange,
  chooseBackup,
  chooseProved,
  contentsOrNull,
  findParts,
  partsTag,
  type Tagged,
} from '../../../src/backup/catalogue.ts'
import type { Contents } from '../../../src/backup/contents.ts'
import type { Restic } from '../../../src/backup/restic.ts'
import { Failure } from '../../../src/lib/index.ts'

const snapshot = (id: string, part: string, paths: string[] = []): Tagged => ({
  ...{ id: `${part} of ${id}`, hostname: 'pacs1', paths },
  tags: [`id=${id}`, `part=${part}`],
})
const DAYS = [1, 2, 3, 4].map((day) => `2026010${day}t013000z-0000000${day}`)
const NOW = new Date('2026-03-01T00:00:00Z')
const TORN = '20260105t013000z-00000005'
const held = [...DAYS.flatMap((id) => [snapshot(id, 'work'), snapshot(id, 'contents')]), snapshot(TORN, 'work')]
const { complete } = arrange(held)

describe('of the backups of a repository', () => {
  it('those whose contents are stored count, the newest first; what never became one is known apart', () => {
    expect(complete.map(({ id }) => id)).toEqual(DAYS.toReversed())
    expect([...arrange(held).torn.keys()]).toEqual([TORN])
  })

  it('one that has lost a part since is not complete; of an older one nobody knows how many it had', () => {
    const [first = '', second = ''] = DAYS
    const counting = (id: string, parts: number) => {
      const { tags, ...contents } = snapshot(id, 'contents')
      return { ...contents, tags: [...tags, partsTag(parts)] }
    }
    const found = arrange([
      counting(first, 1),
      snapshot(second, 'work'),
      counting(second, 1),
      snapshot(TORN, 'contents'),
    ])
    expect(found.complete.map(({ id }) => id)).toEqual([TORN, second])
    expect(found.lacking.map(({ id }) => id)).toEqual([first])
    expect(found.torn.size).toBe(0)
  })

  it('the newest, one by its id, or any of them is chosen', () => {
    expect(chooseBackup(complete, 'newest', 'pacs1', NOW).id).toBe(DAYS[3])
    expect(chooseBackup(complete, DAYS[1] ?? '', 'pacs1', NOW).id).toBe(DAYS[1])
    const drawn = new Set(Array.from({ length: 1000 }, () => chooseBackup(complete, 'random', 'pacs1', NOW).id))
    expect([...drawn].sort()).toEqual(DAYS)
  })

  it('one that is to come is the newest, or drawn, only where there is no other', () => {
    const [first = '', second = ''] = DAYS
    const at = (now: string) => (wanted: string) => chooseBackup(complete, wanted, 'pacs1', new Date(now)).id
    // Clocks may differ by 5 minutes.
    expect(at('2026-01-02T01:25:00Z')('newest')).toBe(second)
    const early = at('2026-01-02T01:24:59Z')
    expect(early('newest')).toBe(first)
    expect(Array.from({ length: 100 }, () => early('random'))).toEqual(Array(100).fill(first))
    expect(early(second)).toBe(second)
    expect(at('2025-12-31T00:00:00Z')('newest')).toBe(DAYS[3])
  })

  it('those of another server are not meant by a server that has its own, but for one that is named', () => {
    const theirs = DAYS.map((_, day) => `2026020${day + 1}t013000z-0000000${day}`)
    const all = arrange([
      ...held,
      ...theirs.map((id) => ({ ...snapshot(id, 'contents'), hostname: 'staging' })),
    ]).complete
    expect(all[0]).toMatchObject({ id: theirs[3], host: 'staging' })
    expect(chooseBackup(all, 'newest', 'pacs1', NOW).id).toBe(DAYS[3])
    const drawn = new Set(Array.from({ length: 1000 }, () => chooseBackup(all, 'random', 'pacs1', NOW).id))
    expect([...drawn].sort()).toEqual(DAYS)
    expect(chooseBackup(all, theirs[0] ?? '', 'pacs1', NOW).id).toBe(theirs[0])
  })

  it('those of the one other server are meant by one that has none, as it takes its place; of several one must be named', () => {
    expect(chooseBackup(complete, 'newest', 'new', NOW).id).toBe(DAYS[3])
    const all = arrange([...held, { ...snapshot(TORN, 'contents'), hostname: 'staging' }]).complete
    const message = `the repository holds no backup of this server (new), and those of several others: name one; the newest are ${TORN} of staging, ${DAYS[3]} of pacs1`
    for (const wanted of ['newest', 'random'])
      expect(() => chooseBackup(all, wanted, 'new', NOW)).toThrow(expect.objectContaining({ kind: 'refused', message }))
    expect(chooseBackup(all, DAYS[0] ?? '', 'new', NOW).id).toBe(DAYS[0])
  })

  it('a proof means those of its own server alone, or one that is named', () => {
    expect(chooseProved(complete, 'newest', 'pacs1', NOW).id).toBe(DAYS[3])
    const message = `the repository holds no backup of this server (new): take one; to verify one of another, name it: the newest is ${DAYS[3]} of pacs1`
    for (const wanted of ['newest', 'random'])
      expect(() => chooseProved(complete, wanted, 'new', NOW)).toThrow(
        expect.objectContaining({ kind: 'refused', message }),
      )
    expect(chooseProved(complete, DAYS[0] ?? '', 'new', NOW).id).toBe(DAYS[0])
    expect(() => chooseProved([], 'newest', 'new', NOW)).toThrow('the repository holds no complete backup')
  })

  it.each([
    [[], 'newest', 'the repository holds no complete backup'],
    [[], 'random', 'the repository holds no complete backup'],
    [
      complete,
      TORN,
      `the repository holds no complete backup ${TORN}; the newest are ${DAYS.slice(1).toReversed().join(', ')}`,
    ],
  ])('none is chosen of %j by %s', (backups, wanted, message) => {
    expect(() => chooseBackup(backups, wanted, 'pacs1', NOW)).toThrow(
      expect.objectContaining({ kind: 'refused', message }),
    )
  })
})

it.each([
  [['volume'], 'its dumps'],
  [['work'], 'volume orthanc'],
  [[], 'volume orthanc, its dumps'],
])('a backup of which only %j are left is named as not whole', (left, lost) => {
  const [id = ''] = DAYS
  const contents = { id, archives: [{ volume: 'orthanc' }] } as unknown as Contents
  const parts = { volume: snapshot(id, 'volume', ['/volumes/orthanc']), work: snapshot(id, 'work', ['/staged']) }
  const there = Object.entries(parts).flatMap(([part, one]) => (left.includes(part) ? [one] : []))
  const [backup] = arrange([...there, snapshot(id, 'contents')]).complete
  if (backup === undefined) expect.unreachable()
  expect(() => findParts(backup, contents)).toThrow(`the backup ${id} is not whole: no snapshot holds ${lost}`)
})

describe('the contents of a backup that others can do without', () => {
  const [id = ''] = DAYS
  const [backup = expect.unreachable()] = arrange([snapshot(id, 'contents', ['/contents.json'])]).complete
  const { signal } = new AbortController()
  const reading = (read: () => Promise<string>) => ({ read }) as Partial<Restic> as Restic

  it.each([
    ['half a list', async () => '{"schema":1,'],
    ['a list of something else', async () => '{"schema":2}'],
    ['one that restic cannot bring', () => Promise.reject(new Failure('unhealthy', 'a pack is damaged'))],
  ])('are none where they are %s, which is said by name', async (_what, read) => {
    const said: string[] = []
    expect(await contentsOrNull(reading(read), backup, signal, (line) => said.push(line))).toBeNull()
    expect(said).toEqual([expect.stringMatching(`^the backup ${id} is left out, its contents cannot be read: [^\n]+$`)])
  })

  it('are not called damaged where the repository is away', async () => {
    const away = new Failure('unreachable', 'the repository is away')
    const said: string[] = []
    const asked = contentsOrNull(
      reading(() => Promise.reject(away)),
      backup,
      signal,
      (line) => said.push(line),
    )
    await expect(asked).rejects.toBe(away)
    expect(said).toEqual([])
  })
})
