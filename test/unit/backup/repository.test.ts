import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { newBackupId, type StoredBackup } from '../../../src/backup/catalogue.ts'
import { copyToSecond, makeRepository, prune } from '../../../src/backup/repository.ts'
import { Restic, type Snapshot } from '../../../src/backup/restic.ts'
import { resticFailure } from '../../../src/backup/restic-failures.ts'
import { retentionSchema } from '../../../src/backup/retention.ts'
import { Failure } from '../../../src/lib/index.ts'

/** The ids of the snapshots that retention forgets of these. */
async function forgottenOf(held: readonly Snapshot[]): Promise<string[]> {
  const forgotten: string[] = []
  const restic = {
    snapshots: async () => [...held],
    async forget(ids: readonly string[]) {
      forgotten.push(...ids)
    },
  }
  const taken = { id: newBackupId(new Date()), finishedAt: new Date().toISOString() }
  await prune(restic, retentionSchema.parse({}), taken, new AbortController().signal)
  return forgotten.sort()
}

it('a repository whose folder cannot be made is refused with the setting that names it', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'pacs-repository-'))
  await writeFile(join(directory, 'file'), '')
  const location = join(directory, 'file', 'repository')
  const restic = {
    repository: { location, passwordFile: '/nowhere' },
    init: () => Promise.reject(new Error('there is no folder')),
  }
  try {
    await expect(makeRepository(restic)).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringMatching(/file\/repository cannot be made \(ENOTDIR.*BACKUP_REPOSITORY must name a folder/),
    })
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
})

it('retention that is ended waits for the next backup', async () => {
  const ending = new AbortController()
  const restic = {
    snapshots: async () => [],
    async forget() {
      ending.abort(new Error('ended'))
      throw ending.signal.reason
    },
  }
  const taken = { id: newBackupId(new Date()), finishedAt: new Date().toISOString() }
  const pruned = prune(restic, retentionSchema.parse({}), taken, ending.signal)
  expect(await pruned).toEqual({ outcome: 'later', why: 'ended' })
})

it('servers that share a repository keep as many backups as each would alone', async () => {
  const nights = Array.from({ length: 60 }, (_, night) => new Date(Date.UTC(2026, 8, 1 + night, 1, 30)))
  const backupsOf = (hostname: string) =>
    nights.map((night) => ({
      id: `${hostname} ${night.toISOString()}`,
      hostname,
      time: night.toISOString(),
      tags: [`id=${newBackupId(night)}`, 'part=contents'],
      paths: [],
    }))
  const [production, staging] = [backupsOf('production'), backupsOf('staging')]
  const alone = [...(await forgottenOf(production)), ...(await forgottenOf(staging))]
  expect(alone.length).toBeGreaterThan(50)
  expect(await forgottenOf([...production, ...staging])).toEqual(alone)
})

it('a backup that lacks a part takes the place of no whole one, and is kept as long as it would be', async () => {
  const hours = Array.from({ length: 14 }, (_, hour) => new Date(Date.UTC(2026, 8, 1, 1 + hour, 30)))
  const backups = (parts: (index: number) => string[]) =>
    hours.map((at, index) => ({
      id: at.toISOString(),
      hostname: 'pacs1',
      time: at.toISOString(),
      tags: [`id=${newBackupId(at)}`, 'part=contents', ...parts(index)],
      paths: [],
    }))
  const ids = hours.map((at) => at.toISOString())
  expect(await forgottenOf(backups(() => []))).toEqual(ids.slice(0, 4))
  expect(await forgottenOf(backups((index) => (index >= 12 ? ['parts=1'] : [])))).toEqual(ids.slice(0, 2))
})

describe('the copy to a second repository', () => {
  const startedAt = new Date('2026-11-28T04:00:00Z')
  const id = newBackupId(startedAt)
  const taken = { id, startedAt: startedAt.toISOString(), finishedAt: startedAt.toISOString() }
  /** What is known of the second repository while it is away lies there. */
  let cache: string
  const place = (location: string) => ['/bin/false', { location, passwordFile: '/password' }, '/bin', cache] as const
  const retention = retentionSchema.parse({ last: 1, daily: 1, weekly: 0, monthly: 0 })
  const stored = (at: string): Snapshot => {
    const tags = [`id=${newBackupId(new Date(at))}`, 'part=contents']
    return { id: at, hostname: 'pacs1', time: at, tags, paths: [] }
  }
  const backupAt = (at: string): StoredBackup => {
    return { id: newBackupId(new Date(at)), host: 'pacs1', startedAt: at, bytes: 1, snapshots: [stored(at)] }
  }
  const missing = [{ ...backupAt(taken.startedAt), id }]

  /** A repository off the host, and what is done with it. */
  class Second extends Restic {
    readonly did: string[] = []
    held: Snapshot[] = []
    breaks: Failure | null = null
    constructor() {
      super(...place('sftp:backup@there:/backups'))
    }
    override async removeStaleLocks(): Promise<void> {}
    override async snapshotsIfThere(): Promise<Snapshot[]> {
      return this.held
    }
    override async snapshots(): Promise<Snapshot[]> {
      return this.held
    }
    override async forget(ids: readonly string[]): Promise<void> {
      if (ids.length > 0) this.did.push(`forgot ${ids.join(', ')}`)
      this.held = this.held.filter((one) => !ids.includes(one.id))
    }
    override async copyFrom(_from: Restic, ids: readonly string[], call: { signal?: AbortSignal } = {}): Promise<void> {
      if (this.breaks !== null) throw this.breaks
      this.did.push(`copied ${ids.join(', ')}`)
      this.held.push(...ids.map(stored))
      call.signal?.throwIfAborted()
    }
  }

  const engine = async () => ({ code: 0, stdout: '', stderr: '' })
  const copy = (second: Second, all: readonly StoredBackup[] = missing) =>
    copyToSecond(new Restic(...place('/backups')), second, all, engine, retention, taken, new AbortController().signal)

  beforeEach(async () => {
    cache = await mkdtemp(join(tmpdir(), 'pacs-copy-'))
    vi.useFakeTimers({ now: startedAt, toFake: ['Date', 'setTimeout', 'clearTimeout'] })
  })
  afterEach(async () => {
    vi.useRealTimers()
    await rm(cache, { recursive: true })
  })

  it('comes after what retention removes there, which makes room for it, and displaces more', async () => {
    const second = new Second()
    const old = ['2026-11-26T04:00:00.000Z', '2026-11-25T04:00:00.000Z'].map(stored)
    second.held.push(...old)
    expect(await copy(second)).toMatchObject({ outcome: 'copied', backups: [id], pruning: { outcome: 'done' } })
    expect(second.did).toEqual([`forgot ${old[1]?.id}`, `copied ${taken.startedAt}`, `forgot ${old[0]?.id}`])
  })

  const old = ['2026-11-26T04:00:00.000Z', '2026-11-25T04:00:00.000Z'].map(stored)

  it.each([
    [
      'goes on where the last one was cut before retention, which would take what that left with it',
      new Failure('unreachable', 'the way between them broke'),
      [`copied ${taken.startedAt}`, `forgot ${old[0]?.id}, ${old[1]?.id}`],
    ],
    [
      'comes after retention again where the last one found no room',
      resticFailure('there', 1, 'Fatal: unable to save: sftp: no space left on device').failure,
      [`forgot ${old[1]?.id}`, `copied ${taken.startedAt}`, `forgot ${old[0]?.id}`],
    ],
  ])('%s', async (_what, failure, order) => {
    const second = new Second()
    second.breaks = failure
    expect(await copy(second)).toMatchObject({ outcome: 'later', waiting: [id] })
    second.breaks = null
    second.held.push(...old)
    expect(await copy(second)).toMatchObject({ outcome: 'copied', backups: [id], pruning: { outcome: 'done' } })
    expect(second.did).toEqual(order)
    // The one after it makes room first again.
    const next = '2026-11-28T05:00:00.000Z'
    second.held.push(...old)
    second.did.length = 0
    await copy(second, [backupAt(next)])
    expect(second.did.map((what) => what.split(' ')[0])).toEqual(['forgot', 'copied', 'forgot'])
  })

  it('comes after retention again where 14 in a row brought no backup there, and then goes on as before', async () => {
    const second = new Second()
    const makesRoom = async () => {
      second.held = [...old]
      second.did.length = 0
      await copy(second)
      return second.did.length > 0
    }
    second.breaks = new Failure('error', 'restic ended with 1: in words that nobody knows')
    const nights = []
    for (let night = 1; night <= 16; night++) nights.push(await makesRoom())
    expect(nights).toEqual([true, ...Array(13).fill(false), true, false])
  })

  it('counts anew once a backup came there', async () => {
    const second = new Second()
    const all = [taken.startedAt, '2026-11-28T05:00:00.000Z'].map(backupAt)
    let comes: string | null = null
    second.copyFrom = async (_from, ids) => {
      if (ids[0] !== comes) throw new Failure('unreachable', 'the way between them broke')
      second.held.push(...ids.map(stored))
    }
    for (let night = 1; night <= 13; night++) await copy(second, all)
    comes = '2026-11-28T05:00:00.000Z'
    await copy(second, all)
    second.held.push(...old)
    await copy(second, all)
    expect(second.did).toEqual([])
  })

  it('finds the parts that are there already of what the first holds, and none of what is lost', async () => {
    const second = new Second()
    const [began, lost] = ['2026-11-20T04:00:00.000Z', '2026-11-19T04:00:00.000Z'].map(backupAt)
    const partOf = (name: string, whole: StoredBackup = expect.unreachable()) => ({
      ...stored(whole.startedAt),
      ...{ id: `part of ${name}`, tags: [`id=${whole.id}`, 'part=volume'] },
    })
    second.held.push(partOf('one that began', began), partOf('one that is lost', lost))
    await copy(second, [...missing, began ?? expect.unreachable()])
    expect(second.did.slice(0, 2)).toEqual(['forgot part of one that is lost', `copied ${began?.startedAt}`])
  })

  it('is ended before the next night, whose backup goes on with it', async () => {
    const second = new Second()
    second.copyFrom = async (_from, _ids, { signal } = {}) => {
      await new Promise((_resolve, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason))
        vi.advanceTimersByTime(22 * 3_600_000)
      })
    }
    expect(await copy(second)).toEqual({
      outcome: 'later',
      why: 'the copy had until 22 h 0 min after the backup began; the next one goes on with it',
      waiting: [id],
    })
    expect(vi.getTimerCount()).toBe(0)
  })
})
