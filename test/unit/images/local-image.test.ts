import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { inspectLocalImage, tagImage, untagImage } from '../../../src/images/local-image.ts'
import { sha256 } from '../../../src/release/index.ts'
import { engineAt } from './fake-engine.ts'

const IMAGE = sha256('image')
const NAME = 'registry.lab:5000/org/api:v1'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pacs-local-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

const accessTo = (host: string) => ({
  host,
  env: { PATH: `${directory}:/usr/bin:/bin` },
  signal: new AbortController().signal,
})

test('names are given and taken at the socket of the engine', async () => {
  const tag = `POST /images/${IMAGE}/tag?repo=registry.lab%3A5000%2Forg%2Fapi&tag=v1`
  await using engine = await engineAt(directory, { [tag]: 201 })
  await tagImage(IMAGE, NAME, accessTo(engine.host))
  await untagImage(NAME, accessTo(engine.host))
  expect(engine.asked).toEqual([tag, `DELETE /images/${NAME}`])
  const gone = sha256('gone')
  await expect(tagImage(gone, NAME, accessTo(engine.host))).rejects.toMatchObject({
    kind: 'error',
    message: expect.stringMatching(/^the Docker engine answers 404 to the tag registry\.lab:5000\/org\/api:v1: /),
  })
})

test('an engine elsewhere is asked by its client', async () => {
  const image = JSON.stringify({ Id: IMAGE, Os: 'linux', Architecture: 'arm64', RepoDigests: [] })
  const docker = `#!/bin/sh\necho "$*" >>${directory}/calls\n[ "$1 $2" != 'image inspect' ] || echo '${image}'\n`
  await writeFile(join(directory, 'docker'), docker, { mode: 0o755 })
  const access = accessTo('tcp://engine:2376')
  expect(await inspectLocalImage(NAME, access)).toEqual({ image: IMAGE, platform: 'linux/arm64', known: [] })
  await tagImage(IMAGE, NAME, access)
  await untagImage(NAME, access)
  expect((await readFile(join(directory, 'calls'), 'utf8')).trim().split('\n').slice(1)).toEqual([
    `tag ${IMAGE} ${NAME}`,
    `image rm ${NAME}`,
  ])
})

test('an engine that fails to say is not taken for one without the image', async () => {
  await using engine = await engineAt(directory, { [`GET /images/${NAME}/json`]: 500 })
  await expect(inspectLocalImage(NAME, accessTo(engine.host))).rejects.toThrow(/answers 500 about registry/)
  expect(await inspectLocalImage('other:1', accessTo(engine.host))).toBeNull()
})
