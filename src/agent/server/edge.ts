import { dirname, join } from 'node:path'
import { z } from 'zod'
import { replaceFile } from '../../lib/index.ts'
import { type Answer, ask } from './probe.ts'

/** Traefik's internal entry point (API, metrics, ping) as the stack publishes it on the server. */
const API_PORT = 8099
const PUBLIC_PORT = 443
const LOOPBACK = '127.0.0.1'

/** Requests that a Traefik service answered since it started, and how many of them with a 5xx. */
export interface Requests {
  total: number
  errors: number
}

/** The edge of the server: Traefik with its one dynamic file. */
export interface Edge {
  /** Replaces the dynamic file. */
  write(text: string): Promise<void>
  /** Routers of the dynamic file by name, as Traefik's API shows them; null when it does not answer. */
  routers(): Promise<ReadonlyMap<string, { service: string; status: string }> | null>
  /** Request counters by service (`<service>-<i8>`); null when Traefik does not answer. */
  requests(): Promise<ReadonlyMap<string, Requests> | null>
  /** Asks the public entry of this server. */
  ask(host: string, path: string, headers?: Readonly<Record<string, string>>): Promise<Answer>
}

const routersSchema = z.array(z.object({ name: z.string(), service: z.string().default(''), status: z.string() }))

/** The edge that reads its dynamic file from `directory`. */
export function openEdge(directory: string): Edge {
  // Not by fetch: what that loads stays in the agent's memory (18 MB) for ever.
  const api = async (path: string) => {
    const answer = await ask({ at: { host: LOOPBACK, port: API_PORT }, path, timeout: 2000 })
    return 'body' in answer ? answer.body : null
  }
  return {
    // Traefik takes up every change in the directory, but no two within its throttle: only the rename may be seen there.
    write: (text) => replaceFile(join(directory, 'pacs.yml'), text, 0o444, dirname(directory)),
    async routers() {
      try {
        const routers = routersSchema.parse(JSON.parse((await api('/api/http/routers?per_page=1000')) ?? ''))
        return new Map(
          routers
            .filter((router) => router.name.endsWith('@file'))
            .map(({ name, service, status }) => [name.slice(0, -'@file'.length), { service, status }]),
        )
      } catch {
        return null
      }
    },
    async requests() {
      const text = await api('/metrics')
      return text === null ? null : parseRequests(text)
    },
    ask: (host, path, headers = {}) =>
      ask({ at: { host: LOOPBACK, port: PUBLIC_PORT }, path, tls: { servername: host }, headers, timeout: 5000 }),
  }
}

/** Reads `traefik_service_requests_total` of the file provider's services from Prometheus text. */
export function parseRequests(text: string): Map<string, Requests> {
  const found = new Map<string, Requests>()
  for (const match of text.matchAll(/^traefik_service_requests_total\{([^}]*)\} (\S+)$/gm)) {
    const labels = new Map([...(match[1] ?? '').matchAll(/(\w+)="([^"]*)"/g)].map((label) => [label[1], label[2]]))
    const service = labels.get('service')?.replace(/@file$/, '')
    const count = Number(match[2])
    if (service === undefined || !Number.isFinite(count)) continue
    const sum = found.get(service) ?? { total: 0, errors: 0 }
    found.set(service, {
      total: sum.total + count,
      errors: sum.errors + (labels.get('code')?.startsWith('5') ? count : 0),
    })
  }
  return found
}
