import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { removeDeadLocks } from '../../../src/backup/dead-locks.ts'
import type { Docker } from '../../../src/backup/docker.ts'
import type { Restic } from '../../../src/backup/restic.ts'
import { readerHost } from '../../../src/backup/volume-reader.ts'

const HOLDERS = { own: readerHost(), other: readerHost('another server'), older: 'pacs-volume-reader' }

it.each([
  ['goes where no reader is left', '', ['older', 'other']],
  ['stays where one is', 'f00d', ['older', 'other', 'own']],
])("the lock of this server's reader of a volume %s, and another's is left alone", async (_what, readers, left) => {
  const location = await mkdtemp(join(tmpdir(), 'pacs-locks-'))
  try {
    await mkdir(join(location, 'locks'))
    for (const name of Object.keys(HOLDERS)) await writeFile(join(location, 'locks', name), '')
    const restic: Partial<Restic> = {
      ...{ repository: { location, passwordFile: '/nowhere' }, isLocal: true },
      removeStaleLocks: async () => undefined,
      locksOf: async (host) => Object.entries(HOLDERS).flatMap(([name, holder]) => (holder === host ? [name] : [])),
    }
    const docker: Docker = async () => ({ code: 0, stdout: readers, stderr: '' })
    await removeDeadLocks(restic as Restic, docker, new AbortController().signal)
    expect((await readdir(join(location, 'locks'))).sort()).toEqual(left)
  } finally {
    await rm(location, { recursive: true, force: true })
  }
})

it('the host name of readers is one that every engine takes, however long the name of the server is', () => {
  for (const server of ['pacs1', `${'production-server-of-the-hospital'.repeat(2)}.example.org`])
    expect(readerHost(server)).toMatch(/^[a-z0-9-]{1,63}$/)
})
