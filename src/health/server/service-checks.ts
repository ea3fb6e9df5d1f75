import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '../../lib/index.ts'
import type { Check, Finding } from '../gate.ts'
import { askDicom, type DicomTls } from '../protocols/dicom.ts'
import { askHttp } from '../protocols/http.ts'
import { askMongodb } from '../protocols/mongodb.ts'
import { askPostgres } from '../protocols/postgres.ts'
import { askRedis } from '../protocols/redis.ts'
import type { ServiceCheck } from './checks-file.ts'
import type { Listed } from './containers.ts'

/** Milliseconds of the limit that a request leaves to its check, so that the more telling message wins. */
const MARGIN = 50

export interface Surroundings {
  /** The folder of the secrets' files. */
  secrets: string
  /** Milliseconds that a check may take. */
  limit: number
}

/**
 * Looks at a container from outside: what the engine thinks of it.
 * @param mayEnd whether it is one that does its work and ends; a service that is asked something has to run
 */
export function containerCheck({ state, status }: Listed, mayEnd: boolean): Check {
  return {
    name: 'container',
    async look() {
      if (mayEnd && state === 'exited' && status.startsWith('Exited (0)'))
        return { ok: true, detail: 'has done its work' }
      if (state !== 'running') return { ok: false, detail: status.toLowerCase() || state }
      if (status.includes('(unhealthy)')) return { ok: false, detail: 'its health check fails' }
      if (status.includes('(health: starting)')) return { ok: true, degraded: true, detail: 'starts' }
      return { ok: true, detail: status }
    },
  }
}

/** Asks a container in its own protocol. */
export function serviceCheck(check: ServiceCheck, container: Listed, surroundings: Surroundings): Check {
  const name = check.kind === 'http' ? check.path : check.kind
  const { address } = container
  if (address === null) return { name, look: async () => ({ ok: false, detail: 'has no address' }) }
  const at = { host: address, port: check.port }
  return { name, look: (signal) => ask(check, at, container, surroundings, signal) }
}

async function ask(
  check: ServiceCheck,
  at: { host: string; port: number },
  container: Listed,
  { secrets, limit }: Surroundings,
  signal: AbortSignal,
): Promise<Finding> {
  switch (check.kind) {
    case 'mongodb':
      return askMongodb(at, signal)
    case 'redis':
      return askRedis(at, check.user, signal)
    case 'postgres':
      return askPostgres(at, check.user, signal)
    case 'dicom':
      return askDicom(at, { ...check, tls: check.tls && (await certificateOf(check.tls, secrets)) }, signal)
    case 'http': {
      const { path, status, expect, contains, login, instance } = check
      const password = login && (await readFile(join(secrets, login.secret), 'utf8').catch(() => undefined))
      const basic = login && Buffer.from(`${login.user}:${password?.trim()}`).toString('base64')
      const url = `http://${at.host}:${at.port}${path}`
      const common = { url, timeout: limit - MARGIN, signal }
      if (login && password === undefined) {
        const finding = await askHttp({ ...common, status: 401 })
        return finding.ok ? { ok: true, detail: `asks for a login, which ${login.secret} would give` } : finding
      }
      const own = /-([0-9a-f]{8})$/.exec(container.project)?.[1]
      return askHttp({
        ...common,
        status,
        contains,
        expect: instance === undefined || own === undefined ? expect : { ...expect, [instance]: own },
        ...(password === undefined ? {} : { headers: { authorization: `Basic ${basic}` } }),
      })
    }
  }
}

async function certificateOf(tls: DicomTls, secrets: string): Promise<DicomTls> {
  const read = (name: string) =>
    readFile(join(secrets, name), 'utf8').catch((thrown: unknown) => {
      throw new Error(`the check's own ${name} cannot be read in ${secrets}: ${messageOf(thrown)}`)
    })
  const [ca, certificate, key] = await Promise.all([read(tls.ca), read(tls.certificate), read(tls.key)])
  return { ca, certificate, key }
}
