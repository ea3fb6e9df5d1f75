// Reads out of an image without running it.
import { z } from 'zod'
import { run, tryRun } from '../lib/index.ts'
import { READING_LABEL } from '../release/index.ts'
import { askEngine, type EngineAccess, readEngine, socketOf } from './engine-socket.ts'

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
  const socket = socketOf(host)
  return socket === null ? byClient({ env, signal }) : bySocket(socket, signal)
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
  return {
    label: async (image, name) =>
      imageSchema
        .parse(await readEngine(socketPath, 'GET', `/images/${image}/json`, { signal }))
        .Config.Labels?.[name]?.trim() ?? '',
    create: async (image) => {
      const body = { Image: image, Cmd: ['none'], Labels: { [READING_LABEL]: '1' } }
      return createdSchema.parse(await readEngine(socketPath, 'POST', '/containers/create', { body, signal })).Id
    },
    read: async (container, folder, onBytes) => {
      const path = `/containers/${container}/archive?path=${encodeURIComponent(`${folder}/.`)}`
      return (await askEngine(socketPath, 'GET', path, { signal, onBytes })).status === 200
    },
    remove: async (container) => {
      await askEngine(socketPath, 'DELETE', `/containers/${container}?force=true&v=true`).catch(() => undefined)
    },
  }
}
