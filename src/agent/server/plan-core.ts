import { createHmac } from 'node:crypto'
import { join } from 'node:path'
import { z } from 'zod'
import { badInput, replaceFile } from '../../lib/index.ts'
import {
  archiveOf,
  containerNames,
  filesOf,
  liveDirectories,
  pinnedImage,
  type Rendered,
  renderCore,
  type Stack,
  type StackService,
} from '../../stack/index.ts'
import type { Layout } from '../layout.ts'
import { type CoreService, hashesOf } from '../transaction/core-definition.ts'
import type { Release } from '../transaction/world.ts'
import { type ConfigRevision, hashKey, openConfig } from './config.ts'
import { contentOf, type KeptDefinition, layDown, type MountSource, projectFile, readDefinition } from './core-files.ts'
import type { Project } from './engine.ts'
import { LIVE, liveFiles } from './live-files.ts'
import { visible } from './releases.ts'

const named = z.record(z.string(), z.object({ name: z.string() })).default({})
const granted = z
  .record(z.string(), z.object({ content: z.string().optional(), environment: z.string().optional() }))
  .default({})
const grants = z.array(z.object({ source: z.string() })).default([])
const definitionSchema = z.object({
  secrets: grants,
  configs: grants,
  networks: z.record(z.string(), z.unknown()).default({}),
  volumes: z
    .array(z.object({ type: z.string(), source: z.string().optional(), read_only: z.boolean().default(false) }))
    .default([]),
})
const resolvedSchema = z.object({
  services: z.record(z.string(), z.unknown()),
  volumes: named,
  networks: named,
  secrets: granted,
  configs: granted,
})

/**
 * The core services of a release in the order in which they start, each with the keyed hash of all that it is made of.
 * @param resolve has Compose replace the variables of `document`, which lies in the project's file, by the values of `config`
 */
export async function planCore(
  stack: Stack,
  release: Release,
  config: ConfigRevision,
  paths: Layout,
  resolve: (document: string, config: ConfigRevision, project: Project) => Promise<string>,
): Promise<CoreService[]> {
  const services = inStartOrder([...stack.services.values()].filter((service) => service.kind === 'core'))
  for (const service of services) checkCore(stack, service)
  const { images } = release.manifest
  const key = await hashKey(paths)
  const env = coreEnvironment(config, paths)
  const stackDirectory = join(release.directory, 'stack')
  const live = new Map(services.map((service) => [service.name, liveDirectories(stack, service)]))
  const isLive = (service: string, path: string) => live.get(service)?.some((mount) => mount.path === path) === true
  // Hashed with the mounts at a fixed place, since the real place is named by the hash.
  const plain = renderCore(stack, {
    images,
    mountDirectory: (service, path) => `/${isLive(service, path) ? LIVE : 'mounts'}/${service}`,
  })
  const file = join(release.directory, 'core.json')
  const document = JSON.stringify(plain.document)
  await replaceFile(file, document, 0o640)
  const resolved = await resolve(document, config, { name: plain.project, file, directory: stackDirectory, env })
  const project = resolvedSchema.parse(JSON.parse(resolved))
  const { services: definitions, volumes, networks } = project
  return Promise.all(
    services.map(async (service) => {
      const files = filesOf(stack, service.name)
      const sources = [
        ...files.files.map((path) => ({ path, from: join(stackDirectory, path) })),
        ...files.secrets.map((path) => ({ path, from: join(config.directory, path) })),
      ]
      const { name, pacs } = service
      const [moving, fixed] = [
        sources.filter(({ path }) => isLive(name, path)),
        sources.filter(({ path }) => !isLive(name, path)),
      ]
      const made = definitionSchema.parse(definitions[name])
      const text = JSON.stringify(definitions[name]) + inlineText(made, project, env)
      const digest = await keyedHash(key, text, fixed)
      const version = moving.length === 0 ? null : await keyedHash(key, LIVE, moving)
      const directory = join(paths.stack, name)
      const rendered = renderCore(stack, {
        images,
        mountDirectory: (_service, path) => join(directory, isLive(name, path) ? LIVE : digest),
      })
      const kept: KeptDefinition = {
        image: pinnedImage(images, name),
        container: containerNames(rendered, name)[0] ?? '',
        config: config.revision,
        grace: service.stopGraceMs / 1000,
        live: pacs.reload === undefined ? null : { signal: pacs.reload, mounts: live.get(name) ?? [] },
      }
      const hash = version === null ? digest : `${digest}.${version}`
      const planned = coreService(name, hash, kept, directory, env, async () => {
        if (version !== null) await layDown(join(directory, version), moving)
        await layDown(join(directory, digest), fixed, { document: only(rendered, name), kept })
      })
      const writes = made.volumes.flatMap(({ type, source, read_only }) => {
        if (source === undefined || read_only) return []
        return type === 'volume' ? [volumes[source]?.name ?? source] : [source]
      })
      // Whoever reads the routes.
      const isEdge = made.volumes.some(({ source }) => source === paths.traefik)
      const edge = isEdge ? Object.keys(made.networks).map((network) => networks[network]?.name ?? network) : null
      return { ...planned, after: service.dependsOn, writes, edge, archive: archiveOf(stack, name) }
    }),
  )
}

/**
 * The secrets and configs of a service that stand in no file: in the Compose file, or in a variable, of which Compose prints the name
 * alone. Empty where there are none, so that such a service keeps its hash.
 */
function inlineText(
  made: z.infer<typeof definitionSchema>,
  project: z.infer<typeof resolvedSchema>,
  env: Readonly<Record<string, string>>,
): string {
  return (['secrets', 'configs'] as const)
    .flatMap((kind) =>
      made[kind].flatMap(({ source }) => {
        const { content, environment } = project[kind][source] ?? {}
        const text = content ?? (environment === undefined ? undefined : (env[environment] ?? ''))
        return text === undefined ? [] : JSON.stringify([kind, source, text])
      }),
    )
    .join('')
}

/** 16 hex digits over a text and the paths and contents of files. */
async function keyedHash(key: Buffer, text: string, sources: readonly MountSource[]): Promise<string> {
  const hash = createHmac('sha256', key).update(text)
  for (const { path, from } of sources) hash.update(`\0${path}\0`).update(await contentOf(from))
  return hash.digest('hex').slice(0, 16)
}

/** A definition of a core service that ran here before; null when it is not kept. */
export async function oldDefinition(service: string, hash: string, paths: Layout): Promise<CoreService | null> {
  const directory = join(paths.stack, service)
  const { definition, files } = hashesOf(hash)
  const kept = await readDefinition(join(directory, definition))
  const versions = await visible(directory)
  if (kept === null || (files !== null && !versions.includes(files))) return null
  const env = coreEnvironment(await openConfig(paths, kept.config), paths)
  return coreService(service, hash, kept, directory, env, async () => undefined)
}

function checkCore(stack: Stack, { name, replicas }: StackService): void {
  if (replicas !== 1) {
    throw badInput(`${stack.file}: core service ${name} has ${replicas} replicas: a core service is one container`)
  }
}

/** The same for every release, so that a new one alone changes no core service. */
function coreEnvironment(config: ConfigRevision, paths: Layout): Record<string, string> {
  return { ...config.env, PACS_TRAEFIK_DIR: paths.traefik }
}

/** `directory` is `stack/<service>`, which holds each definition of it and each version of its live folders. */
function coreService(
  name: string,
  hash: string,
  { image, container, grace, live }: KeptDefinition,
  directory: string,
  env: Readonly<Record<string, string>>,
  materialize: () => Promise<void>,
): CoreService {
  const { definition, files } = hashesOf(hash)
  const own = join(directory, definition)
  const project = { name: 'pacs', file: projectFile(own), directory: own, env }
  const taken = live !== null && files !== null ? liveFiles(directory, files, live) : null
  return {
    name,
    after: [],
    hash,
    image,
    container,
    writes: [],
    edge: null,
    grace,
    project,
    live: taken,
    archive: null,
    materialize,
  }
}

/** Services after those that they depend on. */
function inStartOrder(services: readonly StackService[]): StackService[] {
  const placed: StackService[] = []
  const place = (service: StackService, above: readonly string[]) => {
    if (placed.includes(service)) return
    if (above.includes(service.name))
      throw badInput(`depends_on goes in a circle: ${[...above, service.name].join(' → ')}`)
    for (const name of service.dependsOn) {
      const needed = services.find((one) => one.name === name)
      if (needed) place(needed, [...above, service.name])
    }
    placed.push(service)
  }
  for (const service of services) place(service, [])
  return placed
}

/** The document of one service, with the networks, volumes, secrets and configs that it names. */
function only({ document }: Rendered, service: string): unknown {
  const { depends_on: _order, ...definition } = document.services[service] ?? {}
  const text = JSON.stringify(definition)
  const mentioned = (entries: Record<string, unknown>) =>
    Object.fromEntries(Object.entries(entries).filter(([name]) => text.includes(JSON.stringify(name))))
  return {
    services: { [service]: definition },
    networks: mentioned(document.networks),
    volumes: mentioned(document.volumes),
    secrets: mentioned(document.secrets),
    configs: mentioned(document.configs),
  }
}
