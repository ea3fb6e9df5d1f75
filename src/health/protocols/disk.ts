import { statfs } from 'node:fs/promises'
import type { Finding } from '../gate.ts'

/** Shares of a disk, or of its inodes, that must be free: below the first it is degraded, below the second it is down. */
const LOW = 0.15
const FULL = 0.05

/** What the kernel counts of a file system: blocks of `bsize` bytes, and inodes. `bfree` includes what only root may use. */
export interface DiskFigures {
  bsize: number
  blocks: number
  bfree: number
  bavail: number
  /** 0 where the file system makes inodes as it needs them. */
  files: number
  ffree: number
}

/** How much room the disk of `path` has; databases stop writing on a full one while they still answer. */
export async function askDisk(path: string): Promise<Finding> {
  return judgeRoom(await statfs(path))
}

/** What these figures say of a disk: its room or its inodes, whichever is scarcer. */
export function judgeRoom({ bavail, bfree, blocks, files, ffree, bsize }: DiskFigures): Finding {
  // As df counts it: of what may be used at all.
  const usable = blocks - bfree + bavail
  const room = usable === 0 ? 0 : bavail / usable
  const inodes = files === 0 ? 1 : ffree / files
  const share = Math.min(room, inodes)
  const what = inodes < room ? 'of the inodes are' : 'is'
  const detail = `${Math.floor(share * 100)} % ${what} free (${((bavail * bsize) / 2 ** 30).toFixed(1)} GiB)`
  if (share < FULL) return { ok: false, detail }
  return share < LOW ? { ok: true, degraded: true, detail } : { ok: true, detail }
}
