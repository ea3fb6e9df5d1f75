import { once } from 'node:events'
import { createServer } from 'node:http'

export const ACCESS = { username: 'backend', password: 'fake-password' }
export const STUDY = '1.2.826.0.1.3680043.8.498.1'
/** The smallest thing that looks like a JPEG. */
export const JPEG = Buffer.from([0xff, 0xd8, 0xff, 0xd9])

const study = {
  '0020000D': { vr: 'UI', Value: [STUDY] },
  '00080020': { vr: 'DA', Value: ['20261124'] },
  '00080061': { vr: 'CS', Value: ['CT'] },
  '00081030': { vr: 'LO', Value: ['Chest'] },
  '00100010': { vr: 'PN', Value: [{ Alphabetic: 'DOE^JANE^^^' }] },
  '00100020': { vr: 'LO', Value: ['P1'] },
  '00201206': { vr: 'IS', Value: [1] },
  '00201208': { vr: 'IS', Value: [2] },
}
const report = instance('1.2.3.1', 0)
const image = instance('1.2.3.2', 512)

/**
 * Speaks the little of Orthanc's DICOMweb that the API uses, and misbehaves on demand.
 * @typedef {(request: import('node:http').IncomingMessage, response: import('node:http').ServerResponse) => void} Behaviour
 */
export async function startFakeOrthanc() {
  /** @type {string[]} */
  const asked = []
  /** @type {Behaviour | undefined} */
  let behaviour
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    if (behaviour) return behaviour(request, response)
    answer(request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    asked,
    server,
    answer,
    /** @param {Behaviour | undefined} next what every request gets from now on; undefined for the usual */
    behave(next) {
      behaviour = next
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** @type {Behaviour} */
function answer(request, response) {
  const login = `Basic ${Buffer.from(`${ACCESS.username}:${ACCESS.password}`).toString('base64')}`
  if (request.headers.authorization !== login) return void response.writeHead(401).end()
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://orthanc')
  if (pathname === '/changes') return json(response, { Changes: [], Done: true, Last: 0 })
  if (pathname === '/dicom-web/studies') {
    const found = searchParams.get('PatientID') === 'nobody' ? [] : [study]
    return json(response, found)
  }
  if (pathname === `/dicom-web/studies/${STUDY}/instances`) return json(response, [report, image])
  if (pathname === `/dicom-web/studies/${STUDY}/series/1.2.3/instances/1.2.3.2/rendered`) {
    return void response.writeHead(200, { 'Content-Type': 'image/jpeg' }).end(JPEG)
  }
  if (pathname === '/tools/lookup') {
    return void body(request).then((text) => json(response, text === STUDY ? [{ ID: 'orthanc-1', Type: 'Study' }] : []))
  }
  if (pathname === '/tools/create-archive') {
    return void body(request).then((text) => {
      const { Resources } = /** @type {{ Resources: string[] }} */ (JSON.parse(text))
      response.writeHead(200, { 'Content-Type': 'application/zip' }).end(`PK of ${Resources}`)
    })
  }
  if (/^\/dicom-web\/studies\/[\d.]+\/instances$/.test(pathname)) return json(response, [])
  response.writeHead(404).end()
}

/** @param {import('node:http').IncomingMessage} request */
async function body(request) {
  let text = ''
  for await (const chunk of request) text += chunk
  return text
}

/**
 * @param {import('node:http').ServerResponse} response
 * @param {unknown} value
 */
function json(response, value) {
  response.writeHead(200, { 'Content-Type': 'application/dicom+json' }).end(JSON.stringify(value))
}

/**
 * @param {string} uid
 * @param {number} rows
 */
function instance(uid, rows) {
  return {
    '0020000D': { vr: 'UI', Value: [STUDY] },
    '0020000E': { vr: 'UI', Value: ['1.2.3'] },
    '00080018': { vr: 'UI', Value: [uid] },
    ...(rows > 0 ? { '00280010': { vr: 'US', Value: [rows] } } : {}),
  }
}
