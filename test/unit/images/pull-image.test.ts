import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { pullImage } from '../../../src/images/pull-image.ts'
import { sha256 } from '../../../src/release/index.ts'
import { type Answers, engineAt } from './fake-engine.ts'

const [IMAGE, DIGEST, NEWER] = [sha256('image'), sha256('digest'), sha256('newer')]

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pacs-pull-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

const here = (change: object = {}) => ({
  ...{ Id: IMAGE, Os: 'linux', Architecture: 'amd64', RepoDigests: [`redis@${DIGEST}`] },
  ...change,
})
const has = (digest: string) => ({ Descriptor: { digest } })

/** Pulls with an engine that answers so. @returns how often a client pulled, too */
async function pull(reference: string, answers: Answers, host?: string) {
  await writeFile(join(directory, 'calls'), '')
  const docker = `#!/bin/sh
echo "$*" >>${directory}/calls
[ "$1" = image ] && echo '${JSON.stringify(here())}'
exit 0
`
  await writeFile(join(directory, 'docker'), docker, { mode: 0o755 })
  await using engine = await engineAt(directory, answers)
  const image = await pullImage(
    { kind: 'pull', service: 'redis', reference },
    {
      ...{ platform: 'linux/amd64', namesByConfig: true, host: host ?? engine.host, redact: (text: string) => text },
      ...{ env: { PATH: `${directory}:/usr/bin:/bin` }, log: () => undefined, signal: new AbortController().signal },
    },
  ).catch((thrown: unknown) => thrown)
  const calls = (await readFile(join(directory, 'calls'), 'utf8')).split('\n')
  return { image, pulls: calls.filter((call) => call.startsWith('pull ')).length, asked: engine.asked }
}

describe('a vendor’s image', () => {
  const [inspect, distribution] = ['GET /images/redis:8/json', 'GET /distribution/redis:8/json']
  const pulled = { local: 'redis:8', image: IMAGE, config: IMAGE, platform: 'linux/amd64', verdict: null, built: false }

  test('is not pulled where the registry has what is here', async () => {
    const answers = { [inspect]: here(), [distribution]: has(DIGEST) }
    expect(await pull('redis:8', answers)).toEqual({ image: pulled, pulls: 0, asked: [inspect, distribution] })
  })

  test.each([
    ['the registry has another one', { [inspect]: here(), [distribution]: has(NEWER) }],
    ['the registry does not say', { [inspect]: here(), [distribution]: 403 }],
    ['it never came from a registry', { [inspect]: here({ RepoDigests: null }), [distribution]: has(DIGEST) }],
    [
      'it is here for another platform, which the pull does not change',
      { [inspect]: here({ Architecture: 'arm64' }), [distribution]: has(DIGEST) },
    ],
  ])('is pulled where %s', async (_, answers) => {
    expect((await pull('redis:8', answers)).pulls).toBe(1)
  })

  test('that is here for another platform alone is refused', async () => {
    const { image } = await pull('redis:8', { [inspect]: here({ Architecture: 'arm64' }) })
    expect(image).toMatchObject({ kind: 'bad-input', message: expect.stringMatching(/is there for linux\/arm64 only/) })
  })

  test('that is named by its digest is asked for nowhere', async () => {
    const question = `GET /images/redis@${DIGEST}/json`
    expect(await pull(`redis@${DIGEST}`, { [question]: here() })).toMatchObject({ pulls: 0, asked: [question] })
    const other = `GET /images/redis@${NEWER}/json`
    expect(await pull(`redis@${NEWER}`, { [other]: here() })).toMatchObject({ pulls: 1 })
  })

  test('of an engine that only its client reaches is pulled', async () => {
    expect(await pull('redis:8', {}, 'tcp://engine:2376')).toMatchObject({ image: pulled, pulls: 1, asked: [] })
  })
})
