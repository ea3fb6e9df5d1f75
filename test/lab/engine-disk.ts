import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, statfs, truncate, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { tryRun } from '../../src/lib/index.ts'
import { hostEnv } from './docker.ts'

/** Where an engine keeps everything. */
const DATA = '/var/lib/docker'
const DISK = '/var/lib/pacs-deploy-lab/engine.ext4'
/** Of what is free where it lies: its file grows up to its size, and does not shrink. */
const SHARE = 0.7

/**
 * Gives an engine that the lab is about to start for the first time a disk of its own, in one file, where the system's discards
 * at once what is removed (mount option `discard`): there each file that is removed takes a millisecond, and a lab leaves tens of
 * thousands. It holds what can be made again, so nothing waits for the real disk (`nobarrier`), and one that a crash of the machine
 * spoilt is made anew. What cannot be had, in a container say, is done without.
 */
export async function ensureEngineDisk(): Promise<void> {
  if ((await mountOf(DATA))?.target === DATA) return
  if ((await readdir(DATA).catch(() => [])).length > 0) return
  await mkdir(DATA, { recursive: true, mode: 0o711 })
  if (!(await isSound())) {
    if (!(await mountOf(DATA))?.options.includes('discard')) return
    if (!(await makeDisk())) return
  }
  await tryRun('mount', ['-o', 'loop,noatime,nobarrier', DISK, DATA], { env: hostEnv() })
}

/** Whether the disk is there and holds a file system without faults, or with such as could be mended. */
async function isSound(): Promise<boolean> {
  if (!existsSync(DISK)) return false
  const { code } = await tryRun('e2fsck', ['-p', DISK], { env: hostEnv() })
  return code !== null && code < 4
}

async function makeDisk(): Promise<boolean> {
  const part = `${DISK}.part`
  await mkdir(dirname(DISK), { recursive: true, mode: 0o700 })
  await writeFile(part, '')
  const { bavail, bsize } = await statfs(dirname(DISK))
  await truncate(part, Math.floor(bavail * bsize * SHARE))
  const made = await tryRun('mkfs.ext4', ['-q', '-F', part], { env: hostEnv() }).catch(() => null)
  if (made?.code !== 0) return false
  await rename(part, DISK)
  return true
}

async function mountOf(path: string): Promise<{ target: string; options: string[] } | null> {
  const found = await tryRun('findmnt', ['-n', '-o', 'TARGET,OPTIONS', '--target', path], { env: hostEnv() }).catch(
    () => null,
  )
  const [target, options] = found?.code === 0 ? found.stdout.trim().split(/\s+/) : []
  return target && options ? { target, options: options.split(',') } : null
}
