// Reads out of an image without running it. Each `docker` that starts takes 30 to 70 ms, one after the other at the end of a build, so
// the engine is asked at its socket where it has one here.
import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import { z } from 'zod'
import { Failure, run, tryRun } from '../lib/index.ts'
import { READING_LABEL } from '../release/index.ts'

/** Where the engine is. */
export interface EngineAccess {
  /** As BuildEngine has it. */
  host: string
  env: Readonly<Record<string, string>>
  signal: AbortSignal
}

export interface ImageReader {
  /** Empty where the image has no such label. */
  label(image: string, name: string): Promise<string>
  /** Makes a container to read from, which never runs. @returns its id */
  create(image: string): Promise<string>
  /** Hands out a folder as tar, with paths below it. @returns false where there is no such folder */
  read(container: string, folder: string, onBytes: (bytes: Uint8Array) => void): Promise<boolean>
  remove(container: string): Promise<void>
}

export function openImageReader({ host, env, signal }: EngineAccess): ImageReader {
  if (host === '') return bySocket('/var/run/docker.sock', signal)
  return host.startsWith('unix://') ? bySocket(host.slice('unix://'.length), signal) : byClient({ env, signal })
}

function byClient(engine: Omit<EngineAccess, 'host'>): ImageReader {
  return {
    label: async (image, name) =>
      (
        await run('docker', ['image', 'inspect', '--format', `{{index .Config.Labels "${name}"}}`, image], engine)
      ).trim(),
    create: async (image) =>
      (await run('docker', ['create', '--label', `${READING_LABEL}=1`, image, 'none'], engine)).trim(),
    read: async (container, folder, onBytes) =>
      (await tryRun('docker', ['cp', `${container}:${folder}/.`, '-'], { ...engine, onBytes })).code === 0,
    remove: async (container) => {
      await tryRun('docker', ['rm', '--force', '--volumes', container], { env: engine.env })
    },
  }
}

const imageSchema = z.object({ Config: z.object({ Labels: z.record(z.string(), z.string()).nullish() }) })
const createdSchema = z.object({ Id: z.string() })

function bySocket(socketPath: string, signal: AbortSignal): ImageReader {
  const json = async (method: string, path: string, body?: object): Promise<unknown> => {
    const { status, said } = await ask(socketPath, method, path, { body, signal })
    if (status < 300) return JSON.parse(said)
    throw new Failure('error', `the container engine answers ${status} to ${method} ${path}: ${said.slice(0, 200)}`)
  }
  return {
    label: async (image, name) =>
      imageSchema.parse(await json('GET', `/images/${image}/json`)).Config.Labels?.[name]?.trim() ?? '',
    create: async (image) =>
      createdSchema.parse(
        await json('POST', '/containers/create', { Image: image, Cmd: ['none'], Labels: { [READING_LABEL]: '1' } }),
      ).Id,
    read: async (container, folder, onBytes) => {
      const path = `/containers/${container}/archive?path=${encodeURIComponent(`${folder}/.`)}`
      return (await ask(socketPath, 'GET', path, { signal, onBytes })).status === 200
    },
    remove: async (container) => {
      await ask(socketPath, 'DELETE', `/containers/${container}?force=true&v=true`, {}).catch(() => undefined)
    },
  }
}

interface Asking {
  body?: object | undefined
  signal?: AbortSignal
  /** Takes what a good answer holds. */
  onBytes?: (bytes: Uint8Array) => void
}

function ask(socketPath: string, method: string, path: string, { body, signal, onBytes }: Asking) {
  return new Promise<{ status: number; said: string }>((resolve, reject) => {
    const fail = (thrown: unknown) => {
      if (signal?.aborted) reject(signal.reason)
      else reject(new Failure('error', `the container engine does not answer at ${socketPath}: ${String(thrown)}`))
    }
    const headers = { host: 'localhost', ...(body ? { 'content-type': 'application/json' } : {}) }
    const options = { socketPath, method, path, headers, agent: false, ...(signal ? { signal } : {}) }
    const outgoing = request(options, (response) => {
      const { statusCode: status = 0 } = response
      if (status !== 200 || !onBytes) {
        text(response).then((said) => resolve({ status, said }), fail)
        return
      }
      response.on('data', onBytes).on('error', fail)
      response.on('end', () => (response.complete ? resolve({ status, said: '' }) : fail('the answer was cut')))
    })
    outgoing.on('error', fail).end(body && JSON.stringify(body))
  })
}
