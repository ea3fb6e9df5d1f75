import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { cacheArguments, canExportCache } from '../../../src/images/build-cache.ts'
import { githubCache } from '../../../src/runner/index.ts'

test.each([
  ['the engine, images by configuration', 'docker', true, false],
  ['the engine, images in containerd', 'docker', false, true],
  ['a builder in a container', 'docker-container', true, true],
])('the cache of %s', async (_, driver, namesByConfig, expected) => {
  const bin = await mkdtemp(join(tmpdir(), 'pacs-cache-'))
  try {
    const said = `Name:          default\\nDriver:        ${driver}\\n\\nNodes:\\n`
    await mkdir(join(bin, 'cli-plugins'))
    await writeFile(join(bin, 'cli-plugins/docker-buildx'), `#!/bin/sh\nprintf '${said}'\n`, { mode: 0o755 })
    const options = { env: { PATH: '/usr/bin:/bin', DOCKER_CONFIG: bin }, signal: new AbortController().signal }
    expect(await canExportCache(namesByConfig, options)).toBe(expected)
  } finally {
    await rm(bin, { recursive: true })
  }
})

test("GitHub's cache is there in a job of GitHub's only, and each image has a place of its own in it", () => {
  const job = { ACTIONS_RUNTIME_TOKEN: 'token', ACTIONS_RESULTS_URL: 'https://results.example', PATH: '/bin' }
  expect(githubCache(job)).toEqual({ ACTIONS_RUNTIME_TOKEN: 'token', ACTIONS_RESULTS_URL: 'https://results.example' })
  expect(githubCache({ ...job, ACTIONS_RUNTIME_TOKEN: '' })).toBeUndefined()
  expect(githubCache({ ACTIONS_RUNTIME_TOKEN: 'token' })).toBeUndefined()
  expect(cacheArguments('api')).toEqual([
    ...['--cache-from', 'type=gha,scope=pacs-api'],
    ...['--cache-to', 'type=gha,scope=pacs-api,mode=max,ignore-error=true'],
  ])
})
