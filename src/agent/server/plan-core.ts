import { createHmac } from 'node:crypto'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { badInput, replaceFile } from '../../lib/index.ts'
import {
  containerNames,
  filesOf,
  pinnedImage,
  type Rendered,
  renderCore,
  type Stack,
  type StackService,
} from '../../stack/index.ts'
import type { Layout } from '../layout.ts'
import type { CoreService } from '../transaction/core.ts'
import type { Release } from '../transaction/world.ts'
import { type ConfigRevision, hashKey, openConfig } from './config.ts'
import { contentOf, type KeptDefinition, layDown, projectFile, readDefinition } from './core-files.ts'
import type { Engine } from './engine.ts'
import { visible } from './releases.ts'

const resolvedSchema = z.object({ services: z.record(z.string(), z.unknown()) })

/** The core services of a release in the order in which they start, each with the keyed hash of all that it is made of. */
export async function planCore(
  stack: Stack,
  release: Release,
  config: ConfigRevision,
  paths: Layout,
  engine: Engine,
): Promise<CoreService[]> {
  const services = inStartOrder([...stack.services.values()].filter((service) => service.kind === 'core'))
  for (const service of services) checkCore(stack, service)
  const { images } = release.manifest
  const key = await hashKey(paths)
  const env = coreEnvironment(config, paths)
  const stackDirectory = join(release.directory, 'stack')
  // Hashed with the mounts at a fixed place, since the real place is named by the hash.
  const plain = renderCore(stack, { images, mountDirectory: (service) => `/mounts/${service}` })
  const file = join(release.directory, 'core.json')
  await replaceFile(file, JSON.stringify(plain.document), 0o640)
  const resolved = await engine.resolve({ name: plain.project, file, directory: stackDirectory, env })
  const definitions = resolvedSchema.parse(JSON.parse(resolved)).services
  return Promise.all(
    services.map(async (service) => {
      const files = filesOf(stack, service.name)
      const sources = [
        ...files.files.map((path) => ({ path, from: join(stackDirectory, path) })),
        ...files.secrets.map((path) => ({ path, from: join(config.directory, path) })),
      ]
      const hash = createHmac('sha256', key).update(JSON.stringify(definitions[service.name]))
      for (const { path, from } of sources) hash.update(`\0${path}\0`).update(await contentOf(from))
      const digest = hash.digest('hex').slice(0, 16)
      const directory = join(paths.stack, service.name, digest)
      const rendered = renderCore(stack, { images, mountDirectory: () => directory })
      const kept = {
        image: pinnedImage(images, service.name),
        container: containerNames(rendered, service.name)[0] ?? '',
        config: config.revision,
        grace: service.stopGraceMs / 1000,
      }
      return coreService(service.name, digest, kept, directory, env, async () => {
        if ((await visible(dirname(directory))).includes(digest)) return
        await layDown(directory, sources, only(rendered, service.name), kept)
      })
    }),
  )
}

/** A definition of a core service that ran here before; null when it is not kept. */
export async function oldDefinition(service: string, hash: string, paths: Layout): Promise<CoreService | null> {
  const directory = join(paths.stack, service, hash)
  const kept = await readDefinition(directory)
  if (kept === null) return null
  const env = coreEnvironment(await openConfig(paths, kept.config), paths)
  return coreService(service, hash, kept, directory, env, async () => undefined)
}

function checkCore(stack: Stack, { name, pacs, replicas }: StackService): void {
  if (replicas !== 1) {
    throw badInput(`${stack.file}: core service ${name} has ${replicas} replicas: a core service is one container`)
  }
  if (pacs.reload !== undefined) {
    throw badInput(
      `${stack.file}: ${name}: x-pacs.reload is not carried out yet: leave it out, and a changed file replaces the service`,
    )
  }
}

/** The same for every release, so that a new one alone changes no core service. */
function coreEnvironment(config: ConfigRevision, paths: Layout): Record<string, string> {
  return { ...config.env, PACS_TRAEFIK_DIR: paths.traefik }
}

function coreService(
  name: string,
  hash: string,
  { image, container, grace }: KeptDefinition,
  directory: string,
  env: Readonly<Record<string, string>>,
  materialize: () => Promise<void>,
): CoreService {
  const project = { name: 'pacs', file: projectFile(directory), directory, env }
  return { name, hash, image, container, grace, project, materialize }
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
