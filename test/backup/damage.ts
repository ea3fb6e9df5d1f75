import { cp, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { backupNamed, type Contents, listBackups, newBackupId, Restic, readContents } from '../../src/backup/index.ts'
import type { BackupSite } from './site.ts'

/** What is done to one file of a copy of the repository. */
export interface Damage {
  /** `data`, `index`, `snapshots`, …: the part of the repository whose file is hit. */
  part: string
  how: 'flip' | 'truncate' | 'remove'
  /** Which of the part's files, by the order of their names; drawn when left out. */
  which?: number
}

/** The files of a part of the site's repository, by name. */
export const filesOf = (site: BackupSite, part: string) => filesIn(join(site.repository.location, part))

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  return files.sort()
}

/** A copy of the site's repository with one file damaged. @param draw numbers in [0, 1) that choose the file and the bit */
export async function damaged(site: BackupSite, { part, how, which }: Damage, draw: () => number) {
  const location = await mkdtemp(join(site.directory, 'damaged-'))
  await cp(site.repository.location, location, { recursive: true })
  const files = await filesIn(join(location, part))
  const file = files[which ?? Math.floor(draw() * files.length)] ?? ''
  const { size } = await stat(file)
  const at = Math.floor(draw() * size)
  if (how === 'remove') await rm(file)
  else if (how === 'truncate') await truncate(file, at)
  else {
    const bytes = await readFile(file)
    bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(draw() * 8))
    await rm(file)
    await writeFile(file, bytes)
  }
  return {
    repository: { ...site.repository, location },
    what: `${how} of ${relative(location, file)} at ${at} of ${size}`,
    remove: () => rm(location, { recursive: true }),
  }
}

/**
 * Stores another backup that says of itself what `id` does, whose dumps were changed by `change` before they were stored: what a
 * fault of ours, or of the disk before restic, would leave. It holds no archives.
 */
export async function withChangedDumps(
  site: BackupSite,
  id: string,
  change: (staged: string) => Promise<void>,
): Promise<string> {
  const { tools, repository } = site
  const restic = new Restic(tools.restic, repository, tools.path, tools.cache)
  const backup = backupNamed(id, await listBackups(restic))
  const contents = await readContents(restic, backup)
  const work = backup.snapshots.find(({ tags }) => tags.includes('part=work'))
  const directory = await mkdtemp(join(site.directory, 'changed-'))
  await restic.restore(work?.id ?? '', directory)
  const staged = join(directory, work?.paths[0] ?? '')
  await change(staged)
  const changed: Contents = { ...contents, id: newBackupId(new Date()), archives: [] }
  await restic.backup([staged], [`id=${changed.id}`, 'part=work'], contents.host)
  const file = join(directory, 'contents.json')
  await writeFile(file, JSON.stringify(changed))
  const size = `bytes=${contents.stored.read}`
  await restic.backup([file], [`id=${changed.id}`, 'part=contents', size], contents.host)
  return changed.id
}
