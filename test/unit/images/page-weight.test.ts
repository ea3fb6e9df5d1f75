import { execFile } from 'node:child_process'
import { appendFileSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { weighPage } from '../../../src/images/page-weight.ts'

const MANIFEST = '.vite/manifest.json'
const entry = { 'index.html': { file: 'a.js', isEntry: true, css: ['a.css'] } }

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pacs-page-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

/** Weighs the page of an image with these files, which `docker cp` hands out in this order. @returns what docker was told too */
async function weigh(files: Readonly<Record<string, string>>) {
  const page = join(directory, 'page')
  await mkdir(join(page, '.vite'), { recursive: true })
  for (const [path, content] of Object.entries(files)) await writeFile(join(page, path), content)
  const docker = `#!/bin/sh
echo "$1" >>${directory}/calls
case "$1" in
image) echo /srv/page ;;
create) echo 1a2b3c ;;
cp) exec tar -C ${page} -cf - ${Object.keys(files)
    .map((path) => `./${path}`)
    .join(' ')} ;;
esac
`
  await writeFile(join(directory, 'docker'), docker, { mode: 0o755 })
  return weighAt('tcp://engine:2376')
}

async function weighAt(host: string) {
  const engine = { host, env: { PATH: `${directory}:/usr/bin:/bin` }, signal: new AbortController().signal }
  const weight = await weighPage('web', 'sha256:1', engine).catch((thrown: unknown) => thrown)
  return { weight, calls: (await readFile(join(directory, 'calls'), 'utf8')).trim().split('\n') }
}

/** The same by an engine at a unix socket, which says what it is asked. */
async function weighBySocket(files: Readonly<Record<string, string>>) {
  const page = join(directory, 'page')
  await mkdir(join(page, '.vite'), { recursive: true })
  for (const [path, content] of Object.entries(files)) await writeFile(join(page, path), content)
  const names = Object.keys(files).map((path) => `./${path}`)
  const archive = ['-C', page, '-cf', '-', '--files-from', '/dev/null', ...names]
  const tar = await promisify(execFile)('tar', archive, { encoding: 'buffer' })
  const server = createServer((asked, answer) => {
    const { pathname, searchParams } = new URL(asked.url ?? '', 'http://engine')
    appendFileSync(join(directory, 'calls'), `${asked.method} ${pathname}${searchParams}\n`)
    const say = (status: number, said: object | Buffer) =>
      answer.writeHead(status).end(Buffer.isBuffer(said) ? said : JSON.stringify(said))
    if (pathname === '/images/sha256:1/json') say(200, { Config: { Labels: { 'org.pacs-deploy.page': '/srv/page' } } })
    else if (pathname === '/containers/create') say(201, { Id: '1a2b3c' })
    else if (asked.method === 'DELETE') answer.writeHead(204).end()
    else if (names.length > 0) say(200, tar.stdout)
    else say(404, { message: 'no such file' })
  })
  const socket = join(directory, 'engine.sock')
  await new Promise<void>((resolve) => server.listen(socket, resolve))
  try {
    return await weighAt(`unix://${socket}`)
  } finally {
    server.close()
  }
}

describe('the page in an image', () => {
  const parts = {
    'a.css': 'b{color:red}',
    'a.js': 'start("everything", 42)',
    'index.html': '<p>',
    'later.js': 'late()',
  }

  test('is weighed by one reading, without what is loaded later', async () => {
    const { weight, calls } = await weigh({ [MANIFEST]: JSON.stringify(entry), ...parts })
    expect(weight).toMatchObject({ files: [{ path: 'a.js' }, { path: 'a.css' }, { path: 'index.html' }] })
    expect(calls.toSorted()).toEqual(['cp', 'create', 'image', 'rm'])
  })

  test('is read at the socket of an engine that has one here', async () => {
    const { weight, calls } = await weighBySocket({ [MANIFEST]: JSON.stringify(entry), ...parts })
    expect(weight).toMatchObject({ files: [{ path: 'a.js' }, { path: 'a.css' }, { path: 'index.html' }] })
    expect(calls.toSorted()).toEqual([
      'DELETE /containers/1a2b3cforce=true&v=true',
      'GET /containers/1a2b3c/archivepath=%2Fsrv%2Fpage%2F.',
      'GET /images/sha256:1/json',
      'POST /containers/create',
    ])
    const none = await weighBySocket({})
    expect(none.weight).toMatchObject({ message: expect.stringMatching(/manifest.json is not in its image/) })
    expect(none.calls.at(-1)).toMatch(/^DELETE/)
  })

  test('is weighed too where its manifest comes after its files', async () => {
    const { weight } = await weigh({ ...parts, [MANIFEST]: JSON.stringify(entry) })
    expect(weight).toMatchObject({ files: [{ path: 'a.js' }, { path: 'a.css' }, { path: 'index.html' }] })
  })

  test.each([
    ['no manifest', parts, /^web: it has a bundle-budget, but \/srv\/page\/.vite\/manifest.json is not in its image/],
    ['a manifest of nothing', { ...parts, [MANIFEST]: '{}' }, /is no manifest of a build with an entry$/],
    [
      'no file that its manifest names',
      { [MANIFEST]: JSON.stringify(entry) },
      /names index.html, which is not in \/srv/,
    ],
  ])('is refused with %s, and its container is taken away', async (_, files, message) => {
    const { weight, calls } = await weigh(files)
    expect(weight).toMatchObject({ kind: 'refused', message: expect.stringMatching(message) })
    expect(calls.at(-1)).toBe('rm')
  })
})
