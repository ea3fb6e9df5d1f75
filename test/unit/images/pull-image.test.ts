import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { pullImage } from '../../../src/images/pull-image.ts'
import { sha256 } from '../../../src/release/index.ts'
import { type Answers, engineAt } from './fake-engine.ts'

const [IMAGE, DIGEST, OTHER] = [sha256('image'), sha256('digest'), sha256('other')]

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pacs-pull-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

const here = (change: object = {}) => ({
  ...{ Id: IMAGE, Os: 'linux', Architecture: 'amd64', RepoDigests: [`redis@${DIGEST}`] },
  ...change,
})
/** Pulls with an engine that answers so. @returns how often a client pulled, too */
async function pull(reference: string, answers: Answers, { host, memory }: { host?: string; memory?: string } = {}) {
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
      ...(memory === undefined ? {} : { memory }),
      ...{ env: { PATH: `${directory}:/usr/bin:/bin` }, log: () => undefined, signal: new AbortController().signal },
    },
  ).catch((thrown: unknown) => thrown)
  const calls = (await readFile(join(directory, 'calls'), 'utf8')).split('\n')
  return { image, pulls: calls.filter((call) => call.startsWith('pull ')).length, asked: engine.asked }
}

describe('a vendor’s image', () => {
  const inspect = 'GET /images/redis:8/json'
  const look = 'POST /images/create?fromImage=redis%3A8&platform=linux%2Famd64'
  const pulled = { local: 'redis:8', image: IMAGE, config: IMAGE, platform: 'linux/amd64', verdict: null, built: false }

  test('is brought up to date by the engine alone where it is here', async () => {
    const answers = { [inspect]: here(), [look]: { status: 'Status: Image is up to date for redis:8' } }
    expect(await pull('redis:8', answers)).toEqual({ image: pulled, pulls: 0, asked: [inspect, look] })
    const newer = { [inspect]: here(), [look]: { status: 'Status: Downloaded newer image for redis:8' } }
    expect(await pull('redis:8', newer)).toEqual({ image: pulled, pulls: 0, asked: [inspect, look, inspect] })
  })

  test('is asked for once in ten minutes where the machine is kept', async () => {
    const memory = join(directory, 'memory')
    const upToDate = { [inspect]: here(), [look]: { status: 'Status: Image is up to date for redis:8' } }
    expect((await pull('redis:8', upToDate, { memory })).asked).toEqual([inspect, look])
    expect(await pull('redis:8', upToDate, { memory })).toEqual({ image: pulled, pulls: 0, asked: [inspect] })
    const other = { ...upToDate, [inspect]: here({ Id: OTHER }) }
    expect((await pull('redis:8', other, { memory })).asked).toEqual([inspect, look])
    for (const minutes of [-11, 1]) {
      const said = new Date(Date.now() + minutes * 60_000)
      const files = (await readdir(join(memory, 'newest'))).map((name) => join(memory, 'newest', name))
      expect(files).toHaveLength(2)
      for (const file of files) await utimes(file, said, said)
      expect((await pull('redis:8', upToDate, { memory })).asked).toEqual([inspect, look])
    }
  })

  test('that its client pulled is the newest, too', async () => {
    const memory = join(directory, 'memory')
    expect(await pull('redis:8', { [inspect]: here(), [look]: 404 }, { memory })).toMatchObject({ pulls: 1 })
    expect(await pull('redis:8', { [inspect]: here() }, { memory })).toMatchObject({ pulls: 0, asked: [inspect] })
  })

  test.each([
    ['the registry wants a login', { [inspect]: here(), [look]: 404 }],
    ['the engine fails on the way', { [inspect]: here(), [look]: { errorDetail: { message: 'EOF' }, error: 'EOF' } }],
  ])('is pulled by the client where %s', async (_, answers) => {
    expect(await pull('redis:8', answers)).toMatchObject({ image: pulled, pulls: 1 })
  })

  test('that is here for another platform alone is refused', async () => {
    const { image, pulls, asked } = await pull('redis:8', { [inspect]: here({ Architecture: 'arm64' }) })
    expect(asked).toEqual([inspect, inspect])
    expect(pulls).toBe(1)
    expect(image).toMatchObject({ kind: 'bad-input', message: expect.stringMatching(/is there for linux\/arm64 only/) })
  })

  test('that is named by its digest is asked for nowhere', async () => {
    const question = `GET /images/redis@${DIGEST}/json`
    expect(await pull(`redis@${DIGEST}`, { [question]: here() })).toMatchObject({ pulls: 0, asked: [question] })
    const other = `GET /images/redis@${OTHER}/json`
    expect(await pull(`redis@${OTHER}`, { [other]: here() })).toMatchObject({ pulls: 1 })
  })

  test('without a tag is left to the client, since the engine would pull all that there are', async () => {
    const question = 'GET /images/redis/json'
    expect(await pull('redis', { [question]: here() })).toMatchObject({ pulls: 1, asked: [question, question] })
    const local = 'GET /images/registry.lab:5000/redis/json'
    expect(await pull('registry.lab:5000/redis', { [local]: here() })).toMatchObject({
      pulls: 1,
      asked: [local, local],
    })
  })

  test('of an engine that only its client reaches is pulled', async () => {
    expect(await pull('redis:8', {}, { host: 'tcp://engine:2376' })).toMatchObject({
      image: pulled,
      pulls: 1,
      asked: [],
    })
  })
})
