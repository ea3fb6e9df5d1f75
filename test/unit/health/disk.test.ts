import { describe, expect, it } from 'vitest'
import { judgeRoom } from '../../../src/health/protocols/disk.ts'

const GIB = 2 ** 30
/** 100 GiB in blocks of 1 MiB, all for everybody, with 1000 inodes. */
const disk = (free: number, inodes = 1000) => ({
  ...{ bsize: 2 ** 20, blocks: (100 * GIB) / 2 ** 20, files: 1000, ffree: inodes },
  ...{ bfree: free * 1024, bavail: free * 1024 },
})

describe('the room of a disk', () => {
  it.each([
    ['half of it free', disk(50), 'up', '50 % is free (50.0 GiB)'],
    ['the last good share', disk(15), 'up', '15 % is free (15.0 GiB)'],
    ['less than a good share', disk(14.99), 'degraded', '14 % is free (15.0 GiB)'],
    ['the last share with which databases write', disk(5), 'degraded', '5 % is free (5.0 GiB)'],
    ['less than they need', disk(4.99), 'down', '4 % is free (5.0 GiB)'],
    ['nothing free', disk(0), 'down', '0 % is free (0.0 GiB)'],
    ['room, but few inodes', disk(50, 149), 'degraded', '14 % of the inodes are free (50.0 GiB)'],
    ['room, but hardly an inode', disk(50, 49), 'down', '4 % of the inodes are free (50.0 GiB)'],
    ['less room than inodes', disk(4, 100), 'down', '4 % is free (4.0 GiB)'],
    ['inodes as they are needed', { ...disk(50), files: 0, ffree: 0 }, 'up', '50 % is free (50.0 GiB)'],
    // 60 used, 10 for everybody, 30 for root: 10 of 70, as df says, neither 10 nor 40 of 100.
    ['a part for root alone', { ...disk(40), bavail: 10 * 1024 }, 'degraded', '14 % is free (10.0 GiB)'],
    ['no block at all', { ...disk(0), blocks: 0 }, 'down', '0 % is free (0.0 GiB)'],
  ])('with %s', (_what, figures, state, detail) => {
    const { ok, degraded = false, detail: said } = judgeRoom(figures)
    expect([ok ? (degraded ? 'degraded' : 'up') : 'down', said]).toEqual([state, detail])
  })
})
