import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test, vi } from 'vitest'
import { acknowledge, readOpenNotifications } from '../src/api/notifications.ts'
import { saveReport, signReport } from '../src/api/reports.ts'
import { logIn, logOut, resume } from '../src/api/session.ts'
import { imageOf, NO_TERMS, searchStudies } from '../src/api/studies.ts'
import { readDependencies, readRelease } from '../src/api/system.ts'
import { drafts } from '../src/drafts.ts'
import { session } from '../src/session.ts'

const study = {
  studyInstanceUid: '1.2.3',
  patientName: 'DOE, JANE',
  patientId: 'P1',
  date: '2026-11-24',
  description: 'Chest',
  accessionNumber: 'newer servers may say more',
  modalities: ['CT'],
  series: 1,
  instances: 2,
}
const { signal } = new AbortController()
const closing: (() => void)[] = []

afterEach(() => {
  session.end()
  vi.unstubAllGlobals()
  for (const close of closing.splice(0)) close()
})

/** Answers the page's relative URLs from a real server. */
async function serve(listener: RequestListener) {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => server.close())
  const { port } = server.address() as AddressInfo
  const { fetch } = globalThis
  vi.stubGlobal('fetch', (path: string, init: RequestInit) => fetch(`http://127.0.0.1:${port}${path}`, init))
}

test('a search sends the terms that are given, in the body, and reads the studies', async () => {
  const asked: string[] = []
  await serve(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    asked.push(`${request.method} ${request.url} ${body}`)
    response.end(JSON.stringify({ studies: [study] }))
  })
  const found = await searchStudies({ ...NO_TERMS, patientName: 'DOE', modality: ' ' }, signal)
  expect(asked).toEqual(['POST /api/studies/search {"patientName":"DOE","limit":100}'])
  expect(found[0]?.patientName).toBe('DOE, JANE')
})

test('what the server says about a problem reaches the reader', async () => {
  await serve((_request, response) => {
    response.writeHead(503).end('{"error":"the image archive (Orthanc) is not available"}')
  })
  await expect(searchStudies(NO_TERMS, signal)).rejects.toThrow('the image archive (Orthanc) is not available')
})

test('an error page of a proxy is told by its status', async () => {
  await serve((_request, response) => {
    response.writeHead(502).end('<html>Bad Gateway</html>')
  })
  await expect(readRelease(signal)).rejects.toThrow('the server answered 502')
})

test('an answer of another shape is refused', async () => {
  await serve((_request, response) => {
    response.end('{"studies":[{}]}')
  })
  await expect(searchStudies(NO_TERMS, signal)).rejects.toThrow('does not understand')
})

test('the image of a study is named by its UID', () => {
  expect(imageOf(study)).toBe('/api/studies/1.2.3/rendered')
})

const who = { user: 'jane', printedName: 'Dr. Jane Roe', role: 'radiologist', csrfToken: 'token-of-jane' } as const

test('a log-in begins the session, and every change after it carries its token', async () => {
  const asked: (string | undefined)[] = []
  await serve((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers['x-csrf-token']}`)
    if (request.url === '/api/session') return void response.writeHead(201).end(JSON.stringify(who))
    response.end(JSON.stringify({ studies: [] }))
  })
  await logIn('jane', 'secret')
  expect(session.read()).toEqual({ state: 'in', who })
  await searchStudies(NO_TERMS, signal)
  expect(asked).toEqual(['POST /api/session undefined', 'POST /api/studies/search token-of-jane'])
})

test('an answer 401 ends the session of the page and says so to who was logged in', async () => {
  await serve((_request, response) => {
    response.writeHead(401).end('{"error":"log in"}')
  })
  await expect(resume(signal)).rejects.toThrow('log in')
  expect(session.read()).toEqual({ state: 'out' })
  session.begin(who)
  // Requests that were under way together are told so one after another.
  await Promise.allSettled([acknowledge('1'), acknowledge('2')])
  expect(session.read()).toEqual({
    state: 'out',
    message: expect.stringContaining('The session has ended: log in again.'),
  })
})

test('what was written and not saved is there again after the session ran out, for the same person alone', async () => {
  let next: typeof who | { user: string } = who
  await serve((request, response) => {
    if (request.url === '/api/session') return void response.writeHead(201).end(JSON.stringify({ ...who, ...next }))
    response.writeHead(401).end('{"error":"log in"}')
  })
  const draft = { base: 1, text: 'No fracture.' }
  session.begin(who)
  drafts.keep('1.2.3', draft)
  await expect(saveReport('1.2.3', draft.text, draft.base)).rejects.toThrow('log in')
  await logIn('jane', 'secret')
  expect(drafts.of('1.2.3')).toEqual(draft)
  await expect(saveReport('1.2.3', draft.text, draft.base)).rejects.toThrow('log in')
  next = { user: 'mary' }
  await logIn('mary', 'secret')
  expect(drafts.of('1.2.3')).toBeUndefined()
})

test('a log-out leaves nothing of what was written', async () => {
  await serve((_request, response) => {
    response.writeHead(204).end()
  })
  session.begin(who)
  drafts.keep('1.2.3', { base: 1, text: 'No fracture.' })
  await logOut()
  session.begin(who)
  expect(drafts.of('1.2.3')).toBeUndefined()
})

test('a wrong password for a signature leaves the session as it is', async () => {
  await serve((_request, response) => {
    response.writeHead(401).end('{"error":"the name or the password is wrong"}')
  })
  session.begin(who)
  const signing = { version: 1, meaning: 'author', password: 'wrong' } as const
  await expect(signReport('1.2.3', signing)).rejects.toThrow('password is wrong')
  expect(session.read().state).toBe('in')
})

test('looking for findings is marked as what nobody asked for, so that it keeps no session alive', async () => {
  const asked: unknown[] = []
  await serve((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers['x-unattended']}`)
    response.end('{"notifications":[]}')
  })
  expect(await readOpenNotifications(signal)).toEqual([])
  expect(asked).toEqual(['GET /api/notifications 1'])
})

test('what is away is read from an answer 503', async () => {
  await serve((_request, response) => {
    const dependencies = { mongodb: 'up', redis: 'down', orthanc: 'up' }
    response.writeHead(503).end(JSON.stringify({ status: 'degraded', dependencies }))
  })
  expect(await readDependencies(signal)).toEqual({ mongodb: 'up', redis: 'down', orthanc: 'up' })
})
