import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { keepIssue, type StandingIssue } from '../../../src/runner/index.ts'
import { FakeGitHub } from '../../github/fake-api.ts'

const marker = '<!-- pacs-deploy: verify-backup production -->'
const red: StandingIssue = {
  ...{ marker: 'verify-backup production', state: 'open', title: 'No proof', body: 'two are lost', line: 'still red' },
}
const green: StandingIssue = { ...red, state: 'closed', line: 'proved' }

let github: FakeGitHub
let pauses: number[]

beforeEach(async () => {
  github = await FakeGitHub.start()
  pauses = []
})
afterEach(() => github[Symbol.asyncDispose]())

const keep = (issue: StandingIssue, token = github.token, repository = 'org/pacs') =>
  keepIssue(issue, {
    ...{ token, repository, api: github.url, signal: new AbortController().signal },
    sleep: async (ms) => void pauses.push(ms),
  })

describe('the issue of a condition', () => {
  it('is opened once, updated while it lasts and closed at its end', async () => {
    expect(await keep(green)).toEqual({ did: 'none', url: null })
    expect(await keep(red)).toEqual({ did: 'opened', url: 'https://github.com/org/pacs/issues/1' })
    expect(github.issues).toMatchObject([{ title: 'No proof', body: `${marker}\ntwo are lost`, comments: [] }])
    expect(await keep({ ...red, body: 'three are lost' })).toMatchObject({ did: 'updated' })
    expect(github.issues).toMatchObject([{ body: `${marker}\nthree are lost`, comments: ['still red'] }])
    expect(await keep(green)).toMatchObject({ did: 'closed' })
    expect(await keep(green)).toMatchObject({ did: 'none' })
    expect(github.issues).toMatchObject([{ state: 'closed', comments: ['still red', 'proved'] }])
  })

  it('is a new one where the one before was closed', async () => {
    github.add({ body: `${marker}\nof last year`, state: 'closed' })
    expect(await keep(red)).toMatchObject({ did: 'opened', url: expect.stringMatching(/2$/) })
    expect(github.issues[0]).toMatchObject({ state: 'closed', comments: [] })
  })

  it('is found behind hundreds of others, and no pull request and no issue of a stranger is taken for it', async () => {
    for (let index = 0; index < 230; index++) github.add({ body: `about ${index}` })
    github.add({ body: `${marker}\n`, pull_request: {} })
    github.add({ body: `${marker}\n`, user: { login: 'eve', type: 'User' } })
    github.add({ body: `I quote ${marker}` })
    const member = { user: { login: 'ann', type: 'User' as const }, author_association: 'MEMBER' }
    const { number } = github.add({ body: `${marker}\nwritten with her token`, ...member })
    expect(await keep(red)).toMatchObject({ did: 'updated', url: expect.stringMatching(new RegExp(`/${number}$`)) })
    expect(github.requests.filter((line) => line.startsWith('GET'))).toHaveLength(3)
    expect(github.issues.filter(({ comments }) => comments.length > 0)).toHaveLength(1)
  })

  it('is one again where two runs at once made two', async () => {
    for (const body of [`${marker}\none`, `${marker}\ntwo`]) github.add({ body })
    await keep(red)
    expect(github.issues.map(({ state }) => state)).toEqual(['open', 'closed'])
    expect(github.issues[1]?.comments).toEqual(['The same as #1.'])
  })
})

describe('GitHub that says no', () => {
  it.each([
    [401, {}, /does not know this token/],
    [403, {}, /may not write issues \(HTTP 403\): give the job the permission `issues: write`/],
    [404, {}, /no org\/pacs that this token may see/],
    [410, {}, /issues turned off/],
    [403, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '4102444800' }, /asks? nothing more until 2100-01-01/],
  ])('with %i is asked once, and a person learns what to do', async (status, headers, message) => {
    github.troubles.push(['POST', { status, headers }])
    await expect(keep(red)).rejects.toMatchObject({ kind: 'error', message: expect.stringMatching(message) })
    expect(pauses).toEqual([])
    expect(github.issues).toEqual([])
  })

  it('for a while is asked again, as late as it says', async () => {
    github.troubles.push(['GET', { status: 503 }])
    github.troubles.push(['GET', { status: 429, headers: { 'retry-after': '7' } }])
    github.troubles.push(['POST', { status: 403, headers: { 'retry-after': '1' } }])
    expect(await keep(red)).toMatchObject({ did: 'opened' })
    expect(pauses).toEqual([1000, 7000, 15_000])
  })

  it('after it made the issue does not make it make a second one', async () => {
    github.troubles.push(['POST', { status: 502, done: true }])
    expect(await keep(red)).toMatchObject({ did: 'updated' })
    expect(github.issues).toHaveLength(1)
  })

  it('between the line and the closing does not make it say the line twice', async () => {
    github.add({ body: marker })
    github.troubles.push(['PATCH', { status: 500 }])
    expect(await keep(green)).toMatchObject({ did: 'closed' })
    expect(github.issues).toMatchObject([{ state: 'closed', comments: ['proved'] }])
  })

  it('for good, or that is not there, is left after four attempts', async () => {
    for (let index = 0; index < 4; index++) github.troubles.push(['GET', { status: 500 }])
    await expect(keep(red)).rejects.toThrow(/no good answer \(HTTP 500, 4 attempts\)/)
    const absent = {
      token: 'x',
      repository: 'org/pacs',
      api: 'http://127.0.0.1:9',
      signal: new AbortController().signal,
    }
    await expect(keepIssue(red, { ...absent, sleep: async () => undefined })).rejects.toThrow(/4 attempts/)
    expect(pauses).toHaveLength(3)
  })

  it('is not asked to the end when the job is cancelled', async () => {
    const cancel = new AbortController()
    github.troubles.push(['GET', { status: 500 }])
    const options = { token: github.token, repository: 'org/pacs', api: github.url, signal: cancel.signal }
    const sleep = async () => cancel.abort(new Error('cancelled'))
    await expect(keepIssue(red, { ...options, sleep })).rejects.toThrow('cancelled')
    expect(github.issues).toEqual([])
  })
})
