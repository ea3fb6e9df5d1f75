// Each way to a certificate that ships is a configuration that Traefik itself takes, laid into the shipped one.
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { z } from 'zod'
import { type Machine, waitFor } from '../lab/index.ts'

const TRAEFIK = join(import.meta.dirname, '../../deployment/production/traefik')
const IMAGE = 'traefik:v3.7.15'

const entryPoints = z.array(
  z.looseObject({
    name: z.string(),
    http: z.looseObject({
      tls: z.looseObject({ certResolver: z.string(), domains: z.array(z.object({ main: z.string() })) }).optional(),
    }),
  }),
)

/** @param place a server with an engine that has Traefik's image */
export function describeCertificates(place: () => Machine): void {
  test('each way to a certificate is taken by Traefik, with the resolver for every name', async () => {
    const server = place()
    const files = (await readdir(join(TRAEFIK, 'certificates'))).filter((name) => name.endsWith('.yml'))
    expect(files.toSorted()).toEqual([
      'acme-dns-01.yml',
      'acme-http-01.yml',
      'acme-internal-ca.yml',
      'acme-tls-alpn-01.yml',
    ])
    await Promise.all(files.map((file) => isTaken(server, file)))
  })
}

async function isTaken(server: Machine, file: string): Promise<void> {
  const read = async (path: string): Promise<unknown> => parse(await readFile(join(TRAEFIK, path), 'utf8'))
  const merged = laidInto(await read('traefik.yml'), await read(join('certificates', file)))
  const path = `/srv/certificates/${file}`
  const container = `certificates-${file.replace('.yml', '')}`
  await server.copyIn(Buffer.from(stringify(merged)), path)
  const mounts = ['-v', `${path}:/etc/traefik/traefik.yml:ro`, '--tmpfs', '/etc/traefik/dynamic', '--tmpfs', '/acme']
  // No way out: nobody is to be asked for a certificate.
  await server.run(['docker', 'run', '--detach', '--name', container, '--network', 'none', ...mounts, IMAGE])
  try {
    const said = await waitFor(
      `Traefik with ${file}`,
      async () => {
        const { code, stdout } = await server.exec(['docker', 'exec', container, 'wget', '-qO-', API])
        return code === 0 && stdout
      },
      30_000,
    )
    const websecure = entryPoints.parse(JSON.parse(said)).find(({ name }) => name === 'websecure')
    expect(websecure?.http.tls, file).toMatchObject({ certResolver: 'acme', domains: [{ main: 'pacs.example.org' }] })
    const logs = await server.run(['docker', 'logs', container])
    expect(logs, file).not.toMatch(/"level":"(?:error|fatal)"(?!.*acme-v02|.*ca\.example)/)
  } finally {
    await server.run(['docker', 'rm', '--force', container])
  }
}

const API = 'http://127.0.0.1:8099/api/entrypoints'

/** Two maps as one: what the second says wins, and where both have a map, these are laid into each other. */
export function laidInto(base: unknown, more: unknown): unknown {
  if (!isMap(base) || !isMap(more)) return more
  const merged: Record<string, unknown> = { ...base }
  for (const [key, value] of Object.entries(more)) merged[key] = key in merged ? laidInto(merged[key], value) : value
  return merged
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
