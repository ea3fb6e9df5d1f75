import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { dockerContext, dockerPlugin, hasDocker, refusalOf } from '../../../src/lib/index.ts'

let home: string
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'pacs-docker-'))
})
afterEach(() => rm(home, { recursive: true, force: true }))

async function write(path: string, text = '#!/bin/sh\n', mode = 0o755): Promise<string> {
  const file = join(home, path)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, text, { mode })
  return file
}

describe('a plugin of the docker client', () => {
  // A name that no machine has among its packages.
  const name = 'pacs-none'

  test('is called by its own program, from the directory of the configuration first', async () => {
    const own = await write(`.docker/cli-plugins/docker-${name}`)
    expect(await dockerPlugin(name, { HOME: home })).toEqual([own])
    const extra = await write(`extra/docker-${name}`)
    await write('.docker/config.json', JSON.stringify({ cliPluginsExtraDirs: [join(home, 'extra')] }))
    expect(await dockerPlugin(name, { HOME: home })).toEqual([extra])
    const other = await write(`other/cli-plugins/docker-${name}`)
    expect(await dockerPlugin(name, { HOME: home, DOCKER_CONFIG: join(home, 'other') })).toEqual([other])
  })

  test('is called by the client where there is no program, only a file or a folder of its name', async () => {
    expect(await dockerPlugin(name, { HOME: home })).toEqual(['docker', name])
    await write(`.docker/cli-plugins/docker-${name}`, '', 0o644)
    expect(await dockerPlugin(name, { HOME: home })).toEqual(['docker', name])
    await write(`other/cli-plugins/docker-${name}/x`)
    expect(await dockerPlugin(name, { DOCKER_CONFIG: join(home, 'other') })).toEqual(['docker', name])
  })
})

test('the context is that of the environment, else that of the configuration', async () => {
  expect(await dockerContext({ HOME: home })).toBe('')
  await write('.docker/config.json', '{"currentContext": "remote", "auths": {}}')
  expect(await dockerContext({ HOME: home })).toBe('remote')
  expect(await dockerContext({ HOME: home, DOCKER_CONTEXT: 'near' })).toBe('near')
  expect(await dockerContext({ HOME: home, DOCKER_CONTEXT: 'default' })).toBe('')
  await write('.docker/config.json', 'no JSON')
  expect(await dockerContext({ HOME: home })).toBe('')
})

test('docker is there when one of the folders of the path has its program', async () => {
  await write('bin/docker')
  await write('etc/docker', '', 0o644)
  expect(await hasDocker({ PATH: `${home}:${home}/bin` })).toBe(true)
  expect(await hasDocker({ PATH: `${home}:${home}/etc` })).toBe(false)
  expect(await hasDocker({})).toBe(false)
})

describe('a refusal of the engine', () => {
  test('is its message, in one line', () => {
    expect(refusalOf('{"message":"no \\"x\\":\\n  taken"}\n')).toBe('no "x": taken')
  })

  test('that is long keeps what was to be done and the cause', () => {
    const said = refusalOf(JSON.stringify({ message: `start ${'x'.repeat(1000)} listen tcp4 0.0.0.0:80: in use` }))
    expect(said).toMatch(/^start x+ … x+ listen tcp4 0\.0\.0\.0:80: in use$/)
    expect(said.length).toBeLessThan(510)
  })

  test('is what it answers where that is none of its own', () => {
    expect(refusalOf('<html>gone</html>\n')).toBe('<html>gone</html>')
  })
})
