import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openLogins } from '../../../src/agent/server/registry-logins.ts'

let root: string
let own: string
let said: string[]
let login: ReturnType<typeof openLogins>

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'pacs-logins-'))
  await mkdir(join(root, 'private'))
  own = join(root, 'config.json')
  said = []
  login = openLogins(join(root, 'private'), own, (line) => said.push(line))
})
afterEach(() => rm(root, { recursive: true, force: true }))

const file = () => join(root, 'private', 'config.json')
const seen = async () => JSON.parse(await readFile(file(), 'utf8'))
const brought = { server: 'ghcr.io', username: 'ann', password: 'token' }
const leaveOwn = () =>
  writeFile(own, JSON.stringify({ auths: { 'ghcr.io': { auth: 'b3duOm9uZQ==' } }, currentContext: 'else' }))

it('is the one that the request brings, for its owner alone, until it is given back', async () => {
  await leaveOwn()
  const logout = await login(brought)
  expect(await seen()).toEqual({ auths: { 'ghcr.io': { auth: Buffer.from('ann:token').toString('base64') } } })
  expect((await stat(file())).mode & 0o777).toBe(0o600)
  await logout()
  await expect(stat(file())).rejects.toThrow(/ENOENT/)
})

it('is found by the client of the engine where it is one at Docker Hub', async () => {
  const logout = await login({ ...brought, server: 'docker.io' })
  expect(Object.keys((await seen()).auths)).toEqual(['https://index.docker.io/v1/'])
  await logout()
})

it("is the server's own where the request brings none, and of that the logins only", async () => {
  await leaveOwn()
  const logout = await login()
  expect(await seen()).toEqual({ auths: { 'ghcr.io': { auth: 'b3duOm9uZQ==' } } })
  await logout()
  await expect(stat(file())).rejects.toThrow(/ENOENT/)
  expect(await readFile(own, 'utf8')).toContain('b3duOm9uZQ==')
})

it('is none where there is none', async () => {
  await (await login())()
  expect(said).toEqual([])
  await expect(stat(file())).rejects.toThrow(/ENOENT/)
})

it.each([
  ['{"auths": ', /no docker login wrote it$/],
  ['{}', /no docker login wrote it$/],
  [null, /is left out: EISDIR/],
])('is left out, which is said, where what the server has is none: %s', async (content, message) => {
  if (content === null) await mkdir(own)
  else await writeFile(own, content)
  await (await login())()
  expect(said).toEqual([expect.stringMatching(message)])
  expect(said.join()).not.toContain('"')
  await expect(stat(file())).rejects.toThrow(/ENOENT/)
})
