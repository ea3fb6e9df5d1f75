import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { checkEngine } from '../../../src/images/engine.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pacs-engine-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

/** Looks at a machine whose docker has this buildx and keeps images in `root`. */
async function check(buildx: string, space: number, root = directory) {
  const docker = `#!/bin/sh
case "$1" in
version) echo linux/amd64 ;;
buildx) echo 'github.com/docker/buildx ${buildx} 1a2b3c' ;;
info) echo '[["Backing Filesystem","extfs"]] ${root}' ;;
context) echo unix:///run/docker.sock ;;
esac
`
  await writeFile(join(directory, 'docker'), docker, { mode: 0o755 })
  return checkEngine({ env: { PATH: `${directory}:/usr/bin:/bin` }, signal: new AbortController().signal, space })
}

describe('a machine that builds', () => {
  test.each(['v0.10.0', '0.13.1+ds1', 'v1.2.0'])('may have buildx %s', async (buildx) => {
    expect(await check(buildx, 1)).toEqual({
      platform: 'linux/amd64',
      host: 'unix:///run/docker.sock',
      namesByConfig: true,
    })
  })

  test.each(['v0.9.1', '0.5.0'])('is refused with buildx %s, which is too old', async (buildx) => {
    await expect(check(buildx, 1)).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringMatching(/^docker buildx is 0\.\d, too old .*: install 0\.10 or newer$/),
    })
  })

  test('is refused with a disk that is too small, and not judged by one that it cannot see', async () => {
    await expect(check('v0.13.1', 2 ** 60)).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringMatching(/^the disk of \/\S+ has [\d.]+ GiB free and a build needs .*: make room/),
    })
    await expect(check('v0.13.1', 2 ** 60, '/on/another/machine')).resolves.toBeDefined()
  })
})
