import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** A place of backups below `directory`, and a repository there, whose `docker` and `restic` are these lines of sh. */
export async function scriptedTools(directory: string, { docker = '', restic }: { docker?: string; restic: string }) {
  const bin = join(directory, 'bin')
  await mkdir(bin)
  await mkdir(join(directory, 'repository'))
  await writeFile(join(bin, 'docker'), `#!/bin/sh\n${docker}\n`, { mode: 0o755 })
  await writeFile(join(bin, 'restic'), `#!/bin/sh\n${restic}\n`, { mode: 0o755 })
  await writeFile(join(directory, 'password'), 'word')
  const repository = { location: join(directory, 'repository'), passwordFile: join(directory, 'password'), env: {} }
  const place = {
    ...{ backups: join(directory, 'backups'), metrics: join(directory, 'metrics'), restic: join(bin, 'restic') },
    ...{ path: `${bin}:/usr/bin:/bin`, dockerConfig: directory },
  }
  return { place, repository }
}
