import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readLastRelease } from '../../../src/images/index.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pacs-last-release-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

/** By a docker client whose registry answers pulls with `pull`, and everything else as one that has nothing. */
async function lastRelease(pull: string) {
  const docker = `#!/bin/sh
[ "$1" = pull ] && { echo '${pull}' >&2; exit 1; }
echo "no such manifest: $4" >&2
exit 1
`
  await writeFile(join(directory, 'docker'), docker, { mode: 0o755 })
  const env = { PATH: `${directory}:/usr/bin:/bin` }
  return readLastRelease('ghcr.io/org/pacs', { env, signal: new AbortController().signal, log: () => undefined })
}

test('there is no last release where the registry has none', async () => {
  const said = 'Error response from daemon: manifest unknown'
  expect(await lastRelease(said)).toBeNull()
})

test.each([
  [
    'forbids',
    'Error response from daemon: denied',
    /forbids it to this login \(403\).*let this job read it, or set scan-vendors/,
  ],
  ['asks for a login', 'Error response from daemon: unauthorized', /asks for another login \(401\)/],
])('a registry that %s is not one without a release', async (_, said, message) => {
  await expect(lastRelease(said)).rejects.toMatchObject({ kind: 'refused', message: expect.stringMatching(message) })
})
