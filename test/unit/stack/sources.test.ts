// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${…} is Compose's here
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadStack } from '../../../src/stack/index.ts'
import { readSources, sourcesOf } from '../../../src/stack/sources.ts'

const COMPOSE = 'docker-compose.prod.yml'
let scratch: string
let count = 0

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'pacs-sources-'))
})
afterAll(() => rm(scratch, { recursive: true, force: true }))

async function folder(files: Record<string, string>): Promise<string> {
  count += 1
  const directory = join(scratch, String(count), 'stack')
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(directory, name)), { recursive: true })
    await writeFile(join(directory, name), text)
  }
  return directory
}

test('an alias in a Compose file that names nothing is refused with its line', () => {
  const text = 'services:\n  a:\n    <<: *common\n    image: a\n'
  expect(() => sourcesOf(new Map([[COMPOSE, text]]))).toThrow(
    /^docker-compose\.prod\.yml:3: \*common names nothing: no &common stands before it$/,
  )
})

describe('a place in a Compose file', () => {
  const text = `x-common: &common
  logging:
    driver: json-file
services:
  a:
    <<: *common
    image: a
    volumes:
      - x:/x
      - type: bind
        source: ./y
  b: &b
    image: b
  c: *b
`
  const sources = sourcesOf(new Map([['f.yml', text]]))
  test.each([
    [['services', 'a'], 5],
    [['services', 'a', 'image'], 7],
    [['services', 'a', 'volumes', 0], 9],
    [['services', 'a', 'volumes', 1, 'source'], 11],
    [['services', 'a', 'logging', 'driver'], 3],
    [['services', 'c', 'image'], 13],
    [['services', 'a', 'deploy', 'replicas'], 5],
    [['services', 'a', 'volumes', 7], 8],
    [['nothing', 'here'], 1],
  ])('%j is found at line %i', (path, line) => {
    expect(sources.locate(path)).toEqual({ file: 'f.yml', line })
  })
})

test('a place is found in the file that holds it, through include and extends', async () => {
  const directory = await folder({
    [COMPOSE]:
      'include: [more/one.yml, { path: two.yml }]\nservices:\n  a:\n    extends: { file: base.yml, service: x }\n',
    'more/one.yml': 'services:\n  b:\n\n    image: b\n    extends: { file: deep.yml, service: z }\n',
    'more/deep.yml': 'services:\n  z:\n    user: z\n',
    'two.yml': 'services: { c: { image: c } }\n',
    'base.yml': 'services: { x: { image: x } }\n',
  })
  const sources = readSources(directory, COMPOSE)
  expect(sources.files.map(({ file }) => file).toSorted()).toEqual([
    'base.yml',
    COMPOSE,
    'more/deep.yml',
    'more/one.yml',
    'two.yml',
  ])
  expect(sources.locate(['services', 'b', 'image'])).toEqual({ file: 'more/one.yml', line: 4 })
  expect(sources.locate(['services', 'a', 'image'])).toEqual({ file: COMPOSE, line: 3 })
})

describe('nothing is fetched or read from outside the directory:', () => {
  test.each([
    ['include: ["https://example.invalid/stack.git"]', /:1: include of "https:.* is remote/],
    ['include: [{ path: [oci://example.invalid/stack] }]', /:1: include of "oci:/],
    ['include: ["git@example.invalid:stack.git"]', /:1: include of "git@/],
    ['include: [../outside.yml]', /:1: include of "\.\.\/outside\.yml"/],
    ['include: ["${WHERE}/x.yml"]', /:1: include of "\$\{WHERE\}/],
    ['services:\n  a:\n    extends:\n      file: /etc/x.yml', /:3: extends of "\/etc\/x\.yml"/],
    [
      'services:\n  a:\n    extends:\n      file: https://example.invalid/x.yml\n      service: x',
      /:3: extends of "https:.* is remote/,
    ],
    ['services: { a: { extends: { file: "git@example.invalid:x.git" } } }', /:1: extends of "git@.* is remote/],
    ['include: [absent.yml]', /^docker-compose\.prod\.yml:1: absent\.yml cannot be read/],
  ])('%s', async (text, says) => {
    const directory = await folder({ [COMPOSE]: text })
    await expect(loadStack({ directory })).rejects.toMatchObject({
      kind: 'bad-input',
      message: expect.stringMatching(says),
    })
  })
})

test('Compose, which reads the file meanwhile, may fetch nothing', async () => {
  const directory = await folder({ [COMPOSE]: 'include: ["https://example.invalid/stack.git"]' })
  const bin = await folder({ docker: `#!/bin/sh\nenv > ${directory}/environment\nexit 1\n` })
  await chmod(join(bin, 'docker'), 0o755)
  await expect(loadStack({ directory, env: { PATH: `${bin}:/usr/bin:/bin` } })).rejects.toThrow(/ is remote/)
  const environment = (await readFile(join(directory, 'environment'), 'utf8')).split('\n')
  for (const remote of ['GIT', 'OCI']) expect(environment).toContain(`COMPOSE_EXPERIMENTAL_${remote}_REMOTE=false`)
})

describe('one clear line for', () => {
  test('a missing file', async () => {
    await expect(loadStack({ directory: scratch })).rejects.toMatchObject({
      kind: 'bad-input',
      message: expect.stringMatching(/^docker-compose\.prod\.yml cannot be read in /),
    })
  })

  test('a file that is no YAML', async () => {
    const directory = await folder({ [COMPOSE]: 'services:\n  a: {\n' })
    await expect(loadStack({ directory })).rejects.toMatchObject({
      kind: 'bad-input',
      message: expect.stringMatching(/^docker-compose\.prod\.yml:\d: /),
    })
  })

  test('a Docker without Compose', async () => {
    const directory = await folder({ [COMPOSE]: 'services: { a: { image: a:1 } }' })
    const bin = await folder({ docker: "#!/bin/sh\necho 'docker: unknown command: docker compose' >&2\nexit 1\n" })
    await chmod(join(bin, 'docker'), 0o755)
    await expect(loadStack({ directory, env: { PATH: `${bin}:/usr/bin:/bin` } })).rejects.toMatchObject({
      kind: 'error',
      message: expect.stringContaining('docker compose is missing or older than 2.26'),
    })
  })

  test('no Docker at all', async () => {
    const directory = await folder({ [COMPOSE]: 'services: { a: { image: a:1 } }' })
    await expect(loadStack({ directory, env: { PATH: scratch } })).rejects.toMatchObject({
      kind: 'error',
      message: expect.stringContaining('is it installed?'),
    })
  })
})
