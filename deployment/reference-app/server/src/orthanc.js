import { once } from 'node:events'
import { request as plainRequest } from 'node:http'
import { request as tlsRequest } from 'node:https'
import { pipeline } from 'node:stream/promises'
import { z } from 'zod'
import { OrthancUnavailable, RequestProblem } from './problems.js'

const dicomElement = z.object({ vr: z.string(), Value: z.array(z.unknown()).optional() })
const dicomDatasets = z.array(z.record(z.string(), dicomElement))

const lookup = z.array(z.object({ ID: z.string(), Type: z.string() }))

/** @typedef {z.infer<typeof dicomDatasets>[number]} DicomDataset attributes by tag (`0020000D`), as in DICOM JSON (PS3.18 F) */

/** Milliseconds without a byte in either direction after which a relayed request is given up. */
const RELAY_SILENCE = 120_000

/** Reads from one Orthanc over DICOMweb. Every call ends within its time limit; a relayed one once nothing moves any more. */
export class Orthanc {
  #url
  #authorization
  #timeout

  /**
   * @param {{ url: string, username: string, password: string }} access
   * @param {number} [timeout] milliseconds for one call
   */
  constructor(access, timeout = 10_000) {
    this.#url = access.url.replace(/\/+$/, '')
    this.#authorization = `Basic ${Buffer.from(`${access.username}:${access.password}`).toString('base64')}`
    this.#timeout = timeout
  }

  /**
   * Asks for the newest change, which reaches the index (/system is answered from memory).
   * @param {number} timeout milliseconds
   * @throws {OrthancUnavailable}
   */
  async ping(timeout) {
    await this.#read('/changes?last', 'application/json', timeout)
  }

  /**
   * QIDO-RS.
   * @param {string} resource for example `studies`
   * @param {URLSearchParams} query
   * @returns {Promise<DicomDataset[]>}
   * @throws {OrthancUnavailable}
   */
  async find(resource, query) {
    const answer = await this.#read(`/dicom-web/${resource}?${query}`, 'application/dicom+json', this.#timeout)
    if (answer === null) throw new OrthancUnavailable('it has no DICOMweb')
    let value
    try {
      value = JSON.parse(answer.body.toString('utf8'))
    } catch {
      throw new OrthancUnavailable('it answered something that is not JSON')
    }
    const parsed = dicomDatasets.safeParse(value)
    if (!parsed.success) throw new OrthancUnavailable('it answered something that is not DICOM JSON')
    return parsed.data
  }

  /**
   * One instance, drawn by Orthanc.
   * @param {string} instance `studies/…/series/…/instances/…`
   * @returns {Promise<{ type: string, body: Buffer } | null>} null when there is no such image, or none that can be drawn
   * @throws {OrthancUnavailable}
   */
  async render(instance) {
    const answer = await this.#read(`/dicom-web/${instance}/rendered`, 'image/jpeg', this.#timeout)
    if (answer !== null && !answer.type.startsWith('image/')) throw new OrthancUnavailable('it answered no image')
    return answer
  }

  /**
   * Studies as one ZIP, streamed. The time limit is for its beginning: a large study may take long.
   * @param {string[]} studies StudyInstanceUIDs
   * @returns {Promise<ReadableStream<Uint8Array> | null>} null when Orthanc does not have one of them
   * @throws {OrthancUnavailable}
   */
  async archive(studies) {
    const resources = await Promise.all(studies.map((study) => this.#idOf(study)))
    if (resources.includes(null)) return null
    const late = new AbortController()
    const timer = setTimeout(() => late.abort(), this.#timeout)
    try {
      const response = await fetch(`${this.#url}/tools/create-archive`, {
        method: 'POST',
        headers: { authorization: this.#authorization, 'content-type': 'application/json' },
        body: JSON.stringify({ Resources: resources, Synchronous: true }),
        signal: late.signal,
      })
      if (!response.ok || response.body === null) throw new OrthancUnavailable(`it answered ${response.status}`)
      return response.body
    } catch (error) {
      if (error instanceof OrthancUnavailable) throw error
      if (late.signal.aborted) throw new OrthancUnavailable(`no answer within ${this.#timeout} ms`)
      throw new OrthancUnavailable(`no connection (${connectionError(error)})`)
    } finally {
      clearTimeout(timer)
    }
  }

  /**
   * Hands a DICOMweb request on, body and all, and gives back the answer, whose body is still to be read. When the caller goes away,
   * so does the request: what it sent in part is not stored.
   * @param {import('express').Request} request
   * @param {import('express').Response} response
   * @param {string} resource for example `studies/1.2.3/metadata`
   * @param {string} [query]
   * @returns {Promise<import('node:http').IncomingMessage>}
   * @throws {OrthancUnavailable}
   */
  async relay(request, response, resource, query) {
    const hasBody = request.method === 'POST'
    const headers = {
      authorization: this.#authorization,
      // Orthanc names its resources in answers by this address.
      forwarded: `host=${request.get('host')};proto=https`,
      // Without the length: of a body that names it Orthanc keeps the whole in memory, of one in chunks a part at a time.
      ...taken(request, hasBody ? ['accept', 'content-type'] : ['accept']),
    }
    const url = `${this.#url}/dicom-web/${resource}${query === undefined ? '' : `?${query}`}`
    const send = url.startsWith('https:') ? tlsRequest : plainRequest
    const outgoing = send(url, { method: request.method, headers, agent: false, timeout: RELAY_SILENCE })
    outgoing.once('timeout', () => outgoing.destroy(new OrthancUnavailable('it has been silent for too long')))
    // Who waits for the answer is told by `once`, who reads it by the answer itself; unheard, the error would end the process.
    outgoing.on('error', () => undefined)
    const gone = () => void outgoing.destroy()
    response.once('close', gone)
    try {
      const answered = once(outgoing, 'response')
      if (hasBody) {
        const sent = pipeline(request, outgoing)
        // Whichever of the two comes second has nobody who waits for it.
        for (const one of [sent, answered]) one.catch(() => undefined)
        await Promise.race([sent, answered])
      } else outgoing.end()
      const [answer] = await answered
      if (answer.statusCode === 401) throw new OrthancUnavailable('it refused the login (401)')
      return answer
    } catch (error) {
      outgoing.destroy()
      if (request.readableAborted) throw new RequestProblem(400, 'the body was cut off')
      if (error instanceof OrthancUnavailable) throw error
      throw new OrthancUnavailable(`no connection (${connectionError(error)})`)
    } finally {
      response.off('close', gone)
    }
  }

  /**
   * Orthanc's own id of a study.
   * @param {string} study
   * @returns {Promise<string | null>} null when it does not have it
   */
  async #idOf(study) {
    const answer = await this.#read('/tools/lookup', 'application/json', this.#timeout, study)
    const found = lookup.safeParse(JSON.parse(answer?.body.toString('utf8') || '[]'))
    if (!found.success) throw new OrthancUnavailable('it answered something that is no list of resources')
    return found.data.find(({ Type }) => Type === 'Study')?.ID ?? null
  }

  /**
   * @param {string} path
   * @param {string} accept
   * @param {number} timeout milliseconds for the whole answer
   * @param {string} [text] sent by POST, to ask something that fits no path
   * @returns {Promise<{ type: string, body: Buffer } | null>} null for 404 and 406
   */
  async #read(path, accept, timeout, text) {
    const signal = AbortSignal.timeout(timeout)
    try {
      const headers = { accept, authorization: this.#authorization }
      const init = { headers, signal, ...(text === undefined ? {} : { method: 'POST', body: text }) }
      const response = await this.#fetchTwice(path, init)
      const body = Buffer.from(await response.arrayBuffer())
      if (response.status === 404 || response.status === 406) return null
      if (response.status === 401 || response.status === 403) {
        throw new OrthancUnavailable(`it refused the login (${response.status})`)
      }
      if (!response.ok) throw new OrthancUnavailable(`it answered ${response.status}`)
      return { type: response.headers.get('content-type') ?? '', body }
    } catch (error) {
      if (error instanceof OrthancUnavailable) throw error
      if (signal.aborted) throw new OrthancUnavailable(`no answer within ${timeout} ms`)
      throw new OrthancUnavailable(`no connection (${connectionError(error)})`)
    }
  }

  /**
   * Orthanc closes idle connections after a second; a request that meets that closing was not served.
   * All requests that come here only read, so each may be sent a second time.
   * @param {string} path
   * @param {RequestInit} init
   */
  async #fetchTwice(path, init) {
    try {
      return await fetch(this.#url + path, init)
    } catch (error) {
      if (init.signal?.aborted) throw error
      return await fetch(this.#url + path, init)
    }
  }
}

/**
 * The system's name for what happened, such as ECONNREFUSED: no address, no path.
 * @param {unknown} error
 */
function connectionError(error) {
  const cause = error instanceof Error ? (error.cause ?? error) : error
  return cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown cause'
}

/**
 * @param {import('express').Request} request
 * @param {readonly string[]} names
 * @returns {Record<string, string>} the headers of these names that it has
 */
function taken(request, names) {
  return Object.fromEntries(names.flatMap((name) => (request.get(name) ? [[name, request.get(name) ?? '']] : [])))
}
