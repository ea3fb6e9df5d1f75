// Every service of every Compose file that ships is as hardened as the first: none is forgotten when one is added.
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { parseCompose } from './parse-compose.ts'

const PRODUCTION = join(import.meta.dirname, '../../../deployment/production')

const serviceSchema = z.looseObject({
  image: z.string(),
  user: z.string(),
  read_only: z.literal(true),
  restart: z.literal('unless-stopped'),
  cap_drop: z.tuple([z.literal('ALL')]),
  cap_add: z.undefined().optional(),
  security_opt: z.array(z.string()),
  stop_signal: z.enum(['SIGTERM', 'SIGQUIT', 'SIGINT']),
  stop_grace_period: z.string().regex(/^\d+s$/),
  logging: z.object({ driver: z.literal('journald'), options: z.object({ tag: z.string() }) }),
  healthcheck: z.object({
    test: z.array(z.string()).min(2),
    interval: z.string(),
    timeout: z.string(),
    retries: z.number().min(2),
    start_period: z.string(),
    start_interval: z.string(),
  }),
  deploy: z.looseObject({
    resources: z.object({
      limits: z.object({ cpus: z.string(), memory: z.string().regex(/^\d+[MG]$/), pids: z.number().max(4096) }),
    }),
  }),
  networks: z.array(z.string()).min(1),
  ports: z.array(z.string()).default([]),
  tmpfs: z.array(z.string().regex(/^\/[^:]*:size=\d+m/, 'must be a tmpfs with a size')).default([]),
  volumes: z
    .array(z.union([z.string(), z.looseObject({ type: z.literal('bind'), read_only: z.literal(true) })]))
    .default([]),
  environment: z.record(z.string(), z.unknown()).default({}),
})

/**
 * Whose image holds a program alone, which can be asked nothing inside and reads no password from a file: it is no part of the stack, and
 * may be laid over it by who accepts that.
 */
const BARE = ['mongodb-exporter']
const bareSchema = serviceSchema.omit({ healthcheck: true })

/** Entries by their names; null is one that is taken out of the file that this one is laid over. */
function present<T>(entry: z.ZodType<T>) {
  const isThere = (named: [string, T | null]): named is [string, T] => named[1] !== null
  return z
    .record(z.string(), entry.nullable())
    .transform((all): Record<string, T> => Object.fromEntries(Object.entries(all).filter(isThere)))
}

const fileSchema = z.looseObject({
  services: present(z.looseObject({ image: z.string().optional() })),
  networks: present(
    z.looseObject({
      name: z.string(),
      internal: z.boolean().default(false),
      driver_opts: z.record(z.string(), z.string()).default({}),
    }),
  ).default({}),
  volumes: present(z.object({ name: z.string(), labels: z.record(z.string(), z.string()) })).default({}),
  secrets: present(z.object({ file: z.string().startsWith('./secrets/') })).default({}),
})

const files = (await readdir(PRODUCTION)).filter((name) => /^docker-compose\..*yml$/.test(name))
const parsed = await Promise.all(
  files.map(async (name) => {
    return { name, file: fileSchema.parse(parseCompose(await readFile(join(PRODUCTION, name), 'utf8'))) }
  }),
)
const main = parsed.find(({ name }) => name === 'docker-compose.prod.yml')?.file
/** Services as they are declared; one without an image is a change of another file's. */
const services = parsed.flatMap(({ file }) =>
  Object.entries(file.services).filter(([, service]) => service.image !== undefined),
)

const schemaOf = (name: string) => (BARE.includes(name) ? bareSchema : serviceSchema)

test('only what may be laid over the stack is bare', () => {
  for (const name of BARE) {
    expect(services.map(([service]) => service)).toContain(name)
    expect(main?.services).not.toHaveProperty(name)
  }
})

describe.each(services)('the service %s', (name, declared) => {
  test('is limited, watched, and can change nothing but its data', () => {
    const { user, security_opt, image } = schemaOf(name).parse(declared)
    // A group of 0 is no root: Grafana's image is made for any user of it.
    expect(user).toMatch(/^[1-9]\d*:\d+$/)
    expect(security_opt).toEqual(['no-new-privileges:true'])
    expect(image).toMatch(/:[^:]+$/)
    expect(image).not.toMatch(/:latest$/)
  })

  test('keeps its secrets in files', () => {
    const { environment, env_file } = schemaOf(name).parse(declared)
    if (!BARE.includes(name)) expect(env_file).toBeUndefined()
    for (const [variable, value] of Object.entries(environment)) {
      if (/PASSWORD|SECRET|TOKEN|KEY/.test(variable)) expect(variable, String(value)).toMatch(/_FILE$/)
    }
  })

  test('publishes what strangers may reach, or for this machine only', () => {
    const { ports } = schemaOf(name).parse(declared)
    const open = ports.filter((port) => !port.startsWith('127.0.0.1:'))
    expect(open).toEqual({ traefik: ['80:8080', '443:8443'], orthanc: ['4242:4242'] }[name] ?? [])
  })
})

describe('the networks', () => {
  /** Of a release; what watches it (a profile's services) is on all networks that it watches. */
  const members = (network: string) =>
    Object.entries(main?.services ?? {})
      .filter(([, service]) => service.profiles === undefined)
      .filter(([, service]) => serviceSchema.parse(service).networks.includes(network))
      .map(([name]) => name)

  /** Profiles and what may be laid over it included. */
  const everyone = (network: string) => {
    const on = parsed.flatMap(({ file }) =>
      Object.entries(file.services).filter(([, service]) => joined.parse(service).networks.includes(network)),
    )
    return [...new Set(on.map(([name]) => name))]
  }
  const joined = z.looseObject({ networks: z.array(z.string()).default([]) })

  test('let only the edge, DICOM and this machine in or out', () => {
    const open = Object.entries(main?.networks ?? {}).flatMap(([name, { internal }]) => (internal ? [] : [name]))
    expect(open.toSorted()).toEqual(['dicom', 'edge', 'ops', 'tunnel'])
    expect(everyone('edge')).toEqual(['traefik'])
    expect(everyone('dicom')).toEqual(['orthanc'])
    expect(everyone('tunnel')).toEqual(['mongodb'])
    expect(members('ops')).toEqual([])
    for (const name of [...everyone('tunnel'), ...everyone('ops')]) {
      const { ports } = serviceSchema.parse(main?.services[name])
      expect(
        ports.map((port) => port.slice(0, 10)),
        name,
      ).toEqual(ports.map(() => '127.0.0.1:'))
    }
  })

  test('give no database a way out, nor to the monitoring that has one', () => {
    for (const database of ['mongodb', 'redis', 'postgres']) {
      const { networks } = serviceSchema.parse(main?.services[database])
      for (const network of networks.filter((one) => main?.networks[one]?.internal !== true)) {
        expect(everyone(network), network).toEqual([database])
        expect(main?.networks[network]?.driver_opts, network).toEqual({
          'com.docker.network.bridge.enable_ip_masquerade': 'false',
        })
      }
    }
  })

  test('keep what strangers talk to away from the databases', () => {
    for (const name of ['traefik', 'frontend', 'orthanc']) expect(members('data'), name).not.toContain(name)
    expect(members('archive').toSorted()).toEqual(['backend', 'orthanc'])
    expect(members('index').toSorted()).toEqual(['orthanc', 'postgres'])
  })
})

test('the API runs as often as its file says, which the agent takes as a whole number', () => {
  expect(main?.services.backend).toMatchObject({ deploy: { replicas: 1 } })
})

test('MongoDB keeps a moment for longer than the 5 minutes of mongod, so that a backup can read it to the end', () => {
  const { command = [] } = z
    .looseObject({ command: z.array(z.string()) })
    .partial()
    .parse(main?.services.mongodb)
  const parameter = command[command.indexOf('--setParameter') + 1] ?? ''
  const [, seconds] = /^minSnapshotHistoryWindowInSeconds=\$\{MONGODB_SNAPSHOT_SECONDS:-(\d+)\}$/.exec(parameter) ?? []
  expect(Number(seconds)).toBeGreaterThan(300)
})

test('each volume says what a backup makes of it, by the kind of data of its service', () => {
  const pacsSchema = z.looseObject({
    data: z.looseObject({ kind: z.string(), index: z.unknown().optional() }).optional(),
  })
  const kinds = parsed.flatMap(({ file }) =>
    Object.values(file.services).flatMap((service) => {
      const data = pacsSchema.safeParse(service['x-pacs']).data?.data
      return data === undefined ? [] : [data.kind, ...(data.index ? [`${data.kind}-index`] : [])]
    }),
  )
  const labels = parsed.flatMap(({ file }) => Object.values(file.volumes).map((volume) => volume.labels['pacs.backup']))
  expect(labels.filter((label) => label !== 'none').toSorted()).toEqual([...new Set(kinds)].toSorted())
})

test('what is laid over it where no journal is keeps the logs of every service, rotated', () => {
  const desktop = parsed.find(({ name }) => name === 'docker-compose.desktop.yml')?.file.services ?? {}
  expect(Object.keys(desktop).toSorted()).toEqual(Object.keys(main?.services ?? {}).toSorted())
  const logging = { driver: 'json-file', options: { 'max-size': '10m', 'max-file': '5' } }
  for (const service of Object.values(desktop)) expect(service).toEqual({ logging })
})

describe('the monitoring beside an agent', async () => {
  const text = await readFile(join(PRODUCTION, 'monitoring/beside-an-agent.yml'), 'utf8')
  const beside = z
    .strictObject({ name: z.string(), networks: z.record(z.string(), z.strictObject({ external: z.literal(true) })) })
    .parse(parse(text))

  test('joins the networks of the stack that its services need, and makes but its own', () => {
    const needed = new Set(
      Object.values(main?.services ?? {}).flatMap((service) => {
        const { networks, profiles } = serviceSchema
          .extend({ profiles: z.array(z.string()).default([]) })
          .parse(service)
        return profiles.length > 0 ? networks : []
      }),
    )
    // A network that nothing of a release is on would not be there to be joined.
    const made = Object.values(main?.services ?? {})
      .filter(({ profiles }) => profiles === undefined)
      .flatMap((service) => serviceSchema.parse(service).networks)
    expect(Object.keys(beside.networks).toSorted()).toEqual(
      [...needed].filter((network) => made.includes(network)).toSorted(),
    )
    expect([...needed].filter((network) => !made.includes(network)).toSorted()).toEqual(['monitoring', 'ops'])
  })

  test('has a project that the agent takes for none of its own', () => {
    expect(beside.name).not.toMatch(/^pacs(-[0-9a-f]{8})?$/)
  })
})
