// The page in a real browser, through the shipped edge: what the policy of the page must let a viewer do, and what it must not.
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { type Desk, startBrowser } from '../browser/browser.ts'
import { sendImage } from '../dicom/send.ts'
import { STOW_TYPE, stowBody } from '../dicom/stow.ts'
import { syntheticImage } from '../dicom/synthetic-image.ts'
import { type Lab, type Machine, startLab, waitFor } from '../lab/index.ts'
import { people } from '../site/users.ts'
import { build, compose, configure, copyDeployment, route } from '../stack/standalone.ts'
import { visit } from '../stack/visit.ts'

const FIXTURES = join(import.meta.dirname, '../fixtures/browser')
/** Vite copies what lies here into the page as it is. */
const ASSETS = '/srv/pacs/deployment/reference-app/client/public/assets/probe'
/** A module with one function: `add` of two numbers. */
const ADD = '0061736d0100000001070160027f7f017f03020100070701036164640000' + '0a09010700200020016a0b'
const PROBE = 'import("/assets/probe/probe.js")'
/** Another origin; no request to it may leave the browser. */
const ELSEWHERE = 'https://elsewhere.example'

const image = syntheticImage('MARIGOLD^PATIENT', 'MARIGOLD-ID')
let lab: Lab
let server: Machine
let desk: Desk
let context: BrowserContext
let page: Page
/** What the browser says to whoever wrote the page, and errors that nobody caught. */
let said: string[]
/** Requests to other origins that left the browser. */
let foreign: string[]

beforeAll(async () => {
  lab = await startLab({ servers: ['staging'], runner: false })
  server = lab.server('staging')
  await copyDeployment(server)
  for (const name of await readdir(FIXTURES)) await server.copyIn(join(FIXTURES, name), `${ASSETS}/${name}`)
  await server.copyIn(Buffer.from(ADD, 'hex'), `${ASSETS}/add.wasm`)
  await configure(server)
  for (const service of ['backend', 'frontend'] as const) {
    const { code, stderr } = await build(server, service, 'c0ffee0000000000000000000000000000000001')
    expect(code, stderr).toBe(0)
  }
  await compose(server, ['up', '--detach'])
  await route(lab, server, { frontend: 'pacs-standalone-frontend-1', backend: 'pacs-standalone-backend-1' })
  await waitFor('the API', async () => (await visit(lab, server, '/api/health')).status === 200, 120_000)
  await sendImage(image, { host: '127.0.0.1', port: server.port(4242), called: 'PACS', calling: 'CT1' })
  desk = await startBrowser(lab, server)
})

afterAll(async () => {
  await desk?.[Symbol.asyncDispose]()
  await lab?.down()
})

beforeEach(async () => {
  said = []
  foreign = []
  context = await desk.browser.newContext()
  page = await context.newPage()
  page.on('console', (message) => said.push(message.text()))
  page.on('pageerror', (error) => said.push(`uncaught: ${error.message}`))
  page.on('response', (response) => {
    const { origin } = new URL(response.url())
    if (origin !== desk.site && /^https?:/.test(origin)) foreign.push(response.url())
  })
})

afterEach(() => context?.close())

/** What the policies of the page refused, and what nobody caught. */
const refused = () => said.filter((text) => /Content Security Policy|Cross-Origin|uncaught/i.test(text))

/** A page of somebody else. */
async function serve(html: string) {
  const web = createServer((_request, response) => response.setHeader('content-type', 'text/html').end(html))
  await once(web.listen(0, '127.0.0.1'), 'listening')
  const address = `http://127.0.0.1:${z.object({ port: z.number() }).parse(web.address()).port}/`
  return { address, [Symbol.asyncDispose]: async () => void web.close() }
}

async function logIn(): Promise<void> {
  await page.goto(desk.site)
  await page.getByLabel('Name').fill(people.jane.name)
  await page.getByLabel('Password').fill(people.jane.password)
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.getByText(people.jane.printedName).waitFor()
}

test('a person logs in, chooses a study and sees its image, and nothing is refused', async () => {
  await logIn()
  await page.getByRole('button', { name: 'MARIGOLD, PATIENT' }).click()
  await page.locator('figure img').waitFor()
  // A bright disc on a dark gradient.
  const { middle, corner, ...size } = await page.evaluate<Record<string, number>>(
    `${PROBE}.then((asset) => asset.drawn())`,
  )
  expect(size).toEqual({ width: 128, height: 128 })
  expect(middle).toBeGreaterThan(200)
  expect(corner).toBeLessThan(50)
  expect(refused()).toEqual([])
  expect(foreign).toEqual([])
  await page.getByRole('button', { name: 'Log out' }).click()
  await page.getByRole('button', { name: 'Log in' }).waitFor()
  expect(await context.cookies()).toEqual([])
})

test('a viewer may decode in workers, from a file and from a blob, by WebAssembly and in shared memory', async () => {
  await page.goto(desk.site)
  expect(await page.evaluate('crossOriginIsolated')).toBe(true)
  expect(await page.evaluate(`${PROBE}.then((asset) => asset.decoded())`)).toEqual([3, 7])
  expect(refused()).toEqual([])
})

test('no script runs that is not one of the page, and nothing is told to another origin', async () => {
  await page.goto(desk.site)
  const answering = { contentType: 'text/javascript', headers: { 'Cross-Origin-Resource-Policy': 'cross-origin' } }
  // Were a request let out, it would be answered.
  await context.route(`${ELSEWHERE}/**`, (to) => to.fulfill({ ...answering, body: 'ran.push("foreign script")' }))
  expect(await page.evaluate(`${PROBE}.then((asset) => asset.tried('${ELSEWHERE}'))`)).toEqual([])
  const kinds = [
    /inline script/,
    /foreign\.js/,
    /blob:/,
    /inline event handler/,
    /unsafe-eval|as JavaScript/,
    /frame/i,
    /study=1/,
  ]
  await waitFor('every refusal', () => kinds.every((kind) => refused().some((text) => kind.test(text))), 10_000).catch(
    () => undefined,
  )
  const missing = kinds.filter((kind) => !refused().some((text) => kind.test(text)))
  expect(missing, refused().join('\n')).toEqual([])
  expect(await page.evaluate('ran')).toEqual([])
  expect(foreign).toEqual([])
})

test('no other page may hold this one in a frame', async () => {
  // On this machine too: a browser keeps pages from outside away from what is at home.
  await using other = await serve(`<iframe src="${desk.site}/"></iframe>`)
  const failed: string[] = []
  page.on('requestfailed', (request) => failed.push(`${request.url()} ${request.failure()?.errorText}`))
  await page.goto(other.address)
  expect(failed).toEqual([`${desk.site}/ net::ERR_BLOCKED_BY_RESPONSE`])
})

test('an address without TLS leads to the page by TLS, from then on without a request', async () => {
  const plain = desk.site.replace('https', 'http')
  const first = await page.goto(`${plain}/worklist/today`)
  expect(page.url()).toBe(`${desk.site}/worklist/today`)
  const redirect = await first?.request().redirectedFrom()?.response()
  expect(redirect?.status()).toBe(301)
  const again = await page.goto(plain)
  const kept = await again?.request().redirectedFrom()?.response()
  // The browser's own, since it remembers Strict-Transport-Security.
  expect(kept?.status()).toBe(307)
  expect(kept?.headers()).toMatchObject({ 'non-authoritative-reason': 'HSTS' })
})

test('a deep link is the page, a missing asset is none, and an asset is asked for once', async () => {
  const deep = await page.goto(`${desk.site}/worklist/today`)
  expect(deep?.status()).toBe(200)
  await page.getByRole('button', { name: 'Log in' }).waitFor()
  const missing = await page.evaluate(`fetch('/assets/gone/index.js').then(({ status }) => status)`)
  expect(missing).toBe(404)
  await expect(page.evaluate(`import('/assets/gone/index.js')`)).rejects.toThrow(/dynamically imported module/)
  const sizes = `performance.getEntriesByType('resource').filter(({ name }) => name.includes('/assets/')).map(({ transferSize }) => transferSize)`
  await page.reload()
  await page.getByRole('button', { name: 'Log in' }).waitFor()
  const transferred = await page.evaluate<number[]>(sizes)
  expect(transferred.length).toBeGreaterThanOrEqual(2)
  expect(transferred.filter((bytes) => bytes > 0)).toEqual([])
})

test('the page uploads an image, which is then found', async () => {
  await logIn()
  const other = syntheticImage('UPLOAD^BROWSER', 'UPLOAD-1')
  const body = (await stowBody(other)).toString('base64')
  const [status, text] = await page.evaluate<[number, string]>(`(async () => {
    const { csrfToken } = await (await fetch('/api/session')).json()
    const body = Uint8Array.from(atob('${body}'), (letter) => letter.charCodeAt(0))
    const headers = { 'content-type': '${STOW_TYPE}', 'x-csrf-token': csrfToken }
    const answer = await fetch('/api/dicom-web/studies', { method: 'POST', headers, body })
    return [answer.status, await answer.text()]
  })()`)
  expect(status, text).toBe(200)
  expect(text).toContain(other.sopInstanceUid)
  // The whole list is remembered for a while; nobody has asked for this one yet.
  await page.getByRole('searchbox', { name: 'Name' }).fill('upload')
  await page.getByRole('button', { name: 'Search' }).click()
  await expect.poll(() => page.locator('main').textContent(), { timeout: 20_000 }).toContain('UPLOAD, BROWSER')
})

test('the page says so when the API is away, and goes on when it is back', async () => {
  await logIn()
  await compose(server, ['stop', '--timeout', '5', 'backend'])
  await page.getByRole('button', { name: 'Search' }).click()
  await page.getByRole('alert').first().waitFor()
  expect(await page.getByRole('alert').first().textContent()).toMatch(/answered 50[234]/)
  await compose(server, ['start', 'backend'])
  await waitFor('the API', async () => (await visit(lab, server, '/api/health')).status === 200, 120_000)
  await page.getByRole('button', { name: 'Search' }).click()
  await page.getByRole('button', { name: 'MARIGOLD, PATIENT' }).waitFor()
  expect(refused()).toEqual([])
})

test('a download that fails leaves the page as it is, with what is being written', async () => {
  await logIn()
  await page.getByRole('button', { name: 'MARIGOLD, PATIENT' }).click()
  const report = page.getByLabel('Write the report')
  await report.fill('No fracture.')
  await compose(server, ['stop', '--timeout', '5', 'orthanc'])
  await page.getByRole('button', { name: 'Download the study' }).click()
  const states = `fetch('/api/exports').then((answer) => answer.json()).then(({ exports }) => exports.map(({ state }) => state))`
  await expect.poll(() => page.evaluate(states).catch(() => undefined), { timeout: 60_000 }).toEqual(['failed'])
  expect(await report.inputValue({ timeout: 5_000 })).toBe('No fracture.')
  await compose(server, ['start', 'orthanc'])
  await waitFor('the archive', async () => (await visit(lab, server, '/api/health')).status === 200, 120_000)
})

test('a report that is being written when the session runs out is there after the next log-in', async () => {
  await logIn()
  await page.getByRole('button', { name: 'MARIGOLD, PATIENT' }).click()
  await page.getByLabel('Write the report').fill('No fracture.')
  await context.clearCookies()
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('The session has ended').waitFor()
  expect(await page.content()).not.toMatch(/MARIGOLD|No fracture/)
  await page.getByLabel('Name').fill(people.jane.name)
  await page.getByLabel('Password').fill(people.jane.password)
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.getByRole('button', { name: 'MARIGOLD, PATIENT' }).click()
  expect(await page.getByLabel('Write the report').inputValue()).toBe('No fracture.')
})

test('a finding that somebody else tells of is shown without a reload', async () => {
  await logIn()
  await page.getByRole('button', { name: 'MARIGOLD, PATIENT' }).waitFor()
  // By a page of its own, as another instance of the page would.
  const other = await context.newPage()
  await other.goto(desk.site)
  await other.getByRole('button', { name: 'MARIGOLD, PATIENT' }).click()
  await other.getByText('Tell of a critical finding').click()
  await other.getByLabel('Finding', { exact: true }).fill('Tension pneumothorax')
  await other.getByRole('button', { name: 'Tell', exact: true }).click()
  await other.getByText('Tension pneumothorax').waitFor()
  await other.close()
  // Every minute, with a busy machine's time.
  await page.getByText('Tension pneumothorax').waitFor({ timeout: 90_000 })
})
