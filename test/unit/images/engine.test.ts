import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { checkEngine } from '../../../src/images/engine.ts'
import { engineAt } from './fake-engine.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pacs-engine-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

/** What an engine says of itself that keeps images in `root`. */
const info = (change: object = {}) => ({
  ...{ OSType: 'linux', Architecture: 'x86_64', DriverStatus: [['Backing Filesystem', 'extfs']] },
  DockerRootDir: directory,
  ...change,
})

/** Looks at a machine whose docker says these things. */
async function look(env: Readonly<Record<string, string>>, space = 1, said: object = {}, code = 0) {
  const docker = `#!/bin/sh
case "$1 $2" in
'info '*) echo '${JSON.stringify(said)}'; echo 'Cannot connect' >&2; exit ${code} ;;
'version '*) echo linux/riscv64 ;;
'context inspect') [ "$5" = other ] && echo tcp://other:2376 || { echo 'no such context' >&2; exit 1; } ;;
esac
`
  await writeFile(join(directory, 'docker'), docker, { mode: 0o755 })
  const all = { PATH: `${directory}:/usr/bin:/bin`, HOME: directory, ...env }
  return checkEngine({ env: all, signal: new AbortController().signal, space })
}

/** The same with an engine at a socket. */
async function check(change: object = {}, space = 1) {
  await using engine = await engineAt(directory, { 'GET /info': info(change) })
  return await look({ DOCKER_HOST: engine.host }, space)
}

describe('a machine that builds', () => {
  test('is known by what its engine says at the socket', async () => {
    expect(await check()).toMatchObject({ platform: 'linux/amd64', namesByConfig: true })
    const DriverStatus = [['driver-type', 'io.containerd.snapshotter.v1']]
    expect(await check({ DriverStatus, Architecture: 'riscv64' })).toEqual({
      platform: 'linux/riscv64',
      host: `unix://${directory}/engine.sock`,
      namesByConfig: false,
    })
  })

  test('is refused with a disk that is too small, and not judged by one that it cannot see', async () => {
    await expect(check({}, 2 ** 60)).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringMatching(/^the disk of \/\S+ has [\d.]+ GiB free and a build needs .*: make room/),
    })
    await expect(check({ DockerRootDir: '/on/another/machine' }, 2 ** 60)).resolves.toBeDefined()
  })

  test('is refused without docker, and with an engine that does not answer', async () => {
    const env = { PATH: directory, HOME: directory }
    await expect(checkEngine({ env, signal: new AbortController().signal, space: 1 })).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringMatching(/^docker could not be run here: install/),
    })
    await expect(look({ DOCKER_HOST: `unix://${directory}/nowhere` })).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringMatching(/^the Docker engine does not answer at \/\S+\/nowhere: .*ENOENT/),
    })
  })

  test('may have an engine that only its client reaches, by DOCKER_HOST or by a context', async () => {
    const host = 'tcp://other:2376'
    const found = { platform: 'linux/amd64', host, namesByConfig: true }
    expect(await look({ DOCKER_HOST: host }, 1, info())).toEqual(found)
    expect(await look({ DOCKER_CONTEXT: 'other' }, 1, info())).toEqual(found)
    await mkdir(join(directory, '.docker'))
    await writeFile(join(directory, '.docker/config.json'), '{"currentContext": "other"}')
    expect(await look({}, 1, info())).toEqual(found)
    await expect(look({ DOCKER_CONTEXT: 'gone' }, 1, info())).rejects.toThrow(/^docker has no context gone: no such/)
    await expect(look({}, 1, info(), 1)).rejects.toThrow(/^the Docker engine does not answer: Cannot connect$/)
    const ServerErrors = ['Cannot connect to tcp://other']
    await expect(look({}, 1, info({ ServerErrors }))).rejects.toThrow(/does not answer: Cannot connect to tcp:/)
  })
})
