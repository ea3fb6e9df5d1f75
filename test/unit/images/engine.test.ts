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

/** Looks at a machine whose docker says this of itself, and keeps images in `root`. */
async function check(buildx: string | null, space: number, change: object = {}, code = 0) {
  const info = {
    ...{ OSType: 'linux', Architecture: 'x86_64', DriverStatus: [['Backing Filesystem', 'extfs']] },
    DockerRootDir: directory,
    ClientInfo: { Context: 'default', Plugins: buildx === null ? null : [{ Name: 'buildx', Version: buildx }] },
    ...change,
  }
  const docker = `#!/bin/sh
case "$1" in
info) echo '${JSON.stringify(info)}'; echo 'Cannot connect' >&2; exit ${code} ;;
version) echo linux/riscv64 ;;
context) echo unix:///run/other.sock ;;
esac
`
  await writeFile(join(directory, 'docker'), docker, { mode: 0o755 })
  return checkEngine({ env: { PATH: `${directory}:/usr/bin:/bin` }, signal: new AbortController().signal, space })
}

describe('a machine that builds', () => {
  test.each(['v0.10.0', '0.13.1+ds1', 'v1.2.0'])('may have buildx %s', async (buildx) => {
    expect(await check(buildx, 1)).toEqual({
      platform: 'linux/amd64',
      host: '',
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
    await expect(check('v0.13.1', 2 ** 60, { DockerRootDir: '/on/another/machine' })).resolves.toBeDefined()
  })

  test('is refused without buildx, and with an engine that does not answer', async () => {
    await expect(check(null, 1)).rejects.toThrow(/^docker buildx is missing: install/)
    await expect(check('v0.13.1', 1, {}, 1)).rejects.toThrow(/^the Docker engine does not answer: Cannot connect$/)
    const ServerErrors = ['Cannot connect to unix:///nowhere']
    await expect(check('v0.13.1', 1, { ServerErrors })).rejects.toThrow(/does not answer: Cannot connect to unix:/)
  })

  test('may have an engine elsewhere, of another kind', async () => {
    const ClientInfo = { Context: 'other', Plugins: [{ Name: 'buildx', Version: 'v0.13.1' }] }
    const DriverStatus = [['driver-type', 'io.containerd.snapshotter.v1']]
    expect(await check('', 1, { ClientInfo, DriverStatus, Architecture: 'riscv64' })).toEqual({
      platform: 'linux/riscv64',
      host: 'unix:///run/other.sock',
      namesByConfig: false,
    })
  })
})
