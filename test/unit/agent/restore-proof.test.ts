import { mkdir, mkdtempDisposable, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { verifyHere } from '../../../src/agent/data/restore-proof.ts'

const ID = '20261124t101500z-1f2e3d4c'
const NEVER = new AbortController().signal

/** A server whose repository holds one damaged backup, with an engine that answers nothing as long as `engine` says so. */
async function server(directory: string, engine: string) {
  const bin = join(directory, 'bin')
  const snapshot = {
    id: 'aa',
    time: '',
    hostname: 'other',
    tags: [`id=${ID}`, 'part=contents', 'bytes=1'],
    paths: ['/w/contents.json'],
  }
  const restic = `case " $* " in *' snapshots '*) echo '${JSON.stringify([snapshot])}' ;; *) touch ${directory}/read; echo damaged >&2; exit 1 ;; esac`
  await mkdir(bin)
  await mkdir(join(directory, 'repository'))
  await writeFile(join(bin, 'docker'), `#!/bin/sh\n${engine}\n`, { mode: 0o755 })
  await writeFile(join(bin, 'restic'), `#!/bin/sh\n${restic}\n`, { mode: 0o755 })
  await writeFile(join(directory, 'password'), 'word')
  const repository = { location: join(directory, 'repository'), passwordFile: join(directory, 'password'), env: {} }
  const place = {
    ...{ backups: join(directory, 'backups'), metrics: join(directory, 'metrics'), restic: join(bin, 'restic') },
    ...{ path: `${bin}:/usr/bin:/bin`, dockerConfig: directory },
  }
  const data = { repository, second: null, versions: {}, stack: directory }
  return { data, place, backup: ID, repository: 'first', through: 'L6' } as const
}

it('keeps the report of a proof whose cleaning up fails', async () => {
  await using place = await mkdtempDisposable(join(tmpdir(), 'proof-'))
  const asked = await server(place.path, `if [ -e ${place.path}/read ]; then echo gone >&2; exit 1; fi`)
  await expect(verifyHere(asked, () => undefined, NEVER)).rejects.toThrow('gone')
  const report = JSON.parse(await readFile(join(asked.place.backups, 'verification.json'), 'utf8'))
  expect(report).toMatchObject({ backup: ID, outcome: 'failed' })
})
