import { createHmac } from 'node:crypto'
import { chmod, cp, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { badInput, Problems, parseDuration, replaceFile } from '../lib/index.ts'
import { contentHash, parseManifest, parsePinned, type ReleaseManifest, readReleaseImage } from '../release/index.ts'
import {
  checkStack,
  containerNames,
  filesOf,
  formatFinding,
  i8,
  instanceName,
  loadStack,
  type Rendered,
  renderApp,
  renderCore,
  type Stack,
  type StackService,
  variablesOf,
} from '../stack/index.ts'
import { type ConfigRevision, hashKey, openConfig, sealConfig } from './config.ts'
import type { CoreService } from './core.ts'
import type { Engine } from './engine.ts'
import type { Layout } from './layout.ts'
import type { Kept, Planner } from './planner.ts'
import type { Instance, RunningService } from './state.ts'
import type { Plan, Release } from './world.ts'

/** Values that the agent gives to a stack; a person does not set them. */
const AGENT_VARIABLES = ['PACS_TRAEFIK_DIR', 'PACS_COMMIT', 'PACS_RELEASE', 'PACS_INSTANCE']
/** The variable of `.env` that the agent itself needs. */
export const PUBLIC_HOST = 'PACS_PUBLIC_HOST'
/** How long a start may take where the Compose file does not say it (`healthcheck.start_period`): 60 s. */
const START_LIMIT = 60_000

/** The planner of a server: releases, configuration and stack as they lie on its disk. */
export function openPlanner(parts: {
  paths: Layout
  engine: Engine
  /** The environment of `docker` as the agent runs it. */
  env: Readonly<Record<string, string>>
  log: (line: string) => void
}): Planner & { oldDefinition(service: string, hash: string): Promise<CoreService | null> } {
  const { paths, engine, env, log } = parts

  const readRelease = async (id: string): Promise<Release> => {
    const directory = join(paths.releases, id)
    const manifest = parseManifest(
      join(directory, 'release.json'),
      await readFile(join(directory, 'release.json'), 'utf8'),
    )
    return {
      id: manifest.id,
      reference: (await readFile(join(directory, 'reference'), 'utf8')).trim(),
      manifest,
      directory,
    }
  }

  const load = async (release: Release, config: ConfigRevision): Promise<Stack> => {
    const stack = await loadStack({ directory: join(release.directory, 'stack'), env })
    const problems = new Problems()
    for (const finding of checkStack(stack)) problems.add(formatFinding(finding))
    await checkConfig(stack, config, problems)
    problems.throwIfAny()
    return stack
  }

  return {
    async fetch(reference, signal) {
      const pinned = parsePinned('release', reference)
      for (const id of await visible(paths.releases)) {
        const known = await readRelease(id)
        if (known.reference === reference) return known
      }
      const beside = join(paths.releases, `.${pinned.digest.slice('sha256:'.length, 19)}.new`)
      await rm(beside, { recursive: true, force: true })
      await mkdir(beside, { mode: 0o750 })
      try {
        const { manifest } = await readReleaseImage({ pinned, into: beside, env, signal, log })
        await replaceFile(join(beside, 'reference'), `${reference}\n`, 0o640)
        const directory = join(paths.releases, manifest.id)
        if ((await visible(paths.releases)).includes(manifest.id)) {
          throw badInput(
            `release ${manifest.id} is known here under another digest: push it again under an id of its own`,
          )
        }
        await rename(beside, directory)
        return await readRelease(manifest.id)
      } finally {
        await rm(beside, { recursive: true, force: true })
      }
    },
    open: readRelease,
    sealConfig: () => sealConfig(paths),
    openConfig: (revision) => openConfig(paths, revision),

    async plan(release, config): Promise<Plan> {
      const stack = await load(release, config)
      const name = instanceName(release.id, config.revision)
      const short = i8(name)
      const stackDirectory = join(release.directory, 'stack')
      const rendered = renderApp(stack, {
        instance: name,
        release: release.id,
        images: release.manifest.images,
        stackDirectory,
        configDirectory: config.directory,
      })
      if (rendered.services.length === 0) {
        throw badInput(
          `${stack.file}: no service has deploy.update_config.order: start-first, so there is no app to deploy`,
        )
      }
      const file = join(release.directory, 'instances', `${short}.json`)
      await mkdir(dirname(file), { recursive: true, mode: 0o750 })
      await replaceFile(file, JSON.stringify(rendered.document), 0o640)
      const services = [...stack.services.values()].filter((service) => service.kind === 'app')
      const instance: Instance = {
        instance: name,
        i8: short,
        release: release.id,
        reference: release.reference,
        config: config.revision,
        content: contentHash(release.manifest),
        commit: release.manifest.commit,
        services: services.map((service) => runningService(service, rendered)),
      }
      return {
        release,
        instance,
        project: {
          name: rendered.project,
          file,
          directory: stackDirectory,
          env: {
            ...config.env,
            PACS_TRAEFIK_DIR: paths.traefik,
            PACS_COMMIT: release.manifest.commit,
            PACS_RELEASE: release.id,
            PACS_INSTANCE: short,
          },
        },
        images: services.map((service) => pinned(release.manifest, service.name)),
        memory: services.reduce((sum, service) => sum + memoryLimit(service) * service.replicas, 0),
        publicHost: config.env[PUBLIC_HOST] ?? '',
      }
    },

    async planCore(release, config): Promise<CoreService[]> {
      const stack = await load(release, config)
      const services = inStartOrder([...stack.services.values()].filter((service) => service.kind === 'core'))
      const reloading = services.find((service) => service.pacs.reload !== undefined)
      if (reloading) {
        throw badInput(
          `${stack.file}: ${reloading.name}: x-pacs.reload is not carried out yet: leave it out, and a changed file replaces the service`,
        )
      }
      const key = await hashKey(paths)
      const coreEnv = { ...config.env, PACS_TRAEFIK_DIR: paths.traefik }
      const stackDirectory = join(release.directory, 'stack')
      // Hashed with the mounts at a fixed place, since the real place is named by the hash.
      const plain = renderCore(stack, {
        images: release.manifest.images,
        mountDirectory: (service) => `/mounts/${service}`,
      })
      const file = join(release.directory, 'core.json')
      await replaceFile(file, JSON.stringify(plain.document), 0o640)
      const resolved = resolvedSchema.parse(
        JSON.parse(await engine.resolve({ name: plain.project, file, directory: stackDirectory, env: coreEnv })),
      )
      return Promise.all(
        services.map(async (service) => {
          const files = filesOf(stack, service.name)
          const sources = [
            ...files.files.map((path) => ({ path, from: join(stackDirectory, path) })),
            ...files.secrets.map((path) => ({ path, from: join(config.directory, path) })),
          ]
          const hash = createHmac('sha256', key).update(JSON.stringify(resolved.services[service.name]))
          for (const { path, from } of sources) hash.update(`\0${path}\0`).update(await contentOf(from))
          const digest = hash.digest('hex').slice(0, 16)
          const directory = join(paths.stack, service.name, digest)
          const rendered = renderCore(stack, { images: release.manifest.images, mountDirectory: () => directory })
          const [container] = containerNames(rendered, service.name)
          if (!container || service.replicas !== 1) {
            throw badInput(
              `${stack.file}: core service ${service.name} has ${service.replicas} replicas: a core service is one container`,
            )
          }
          const kept: KeptDefinition = {
            image: pinned(release.manifest, service.name),
            container,
            config: config.revision,
            stack: stackDirectory,
            grace: service.stopGraceMs / 1000,
          }
          return coreService(service.name, digest, kept, coreEnv, async () => {
            if ((await visible(dirname(directory))).includes(digest)) return
            await layDown(directory, sources, only(rendered, service.name), kept)
          })
        }),
      )
    },

    async oldDefinition(service, hash) {
      try {
        const kept = keptSchema.parse(JSON.parse(await readFile(join(paths.stack, service, hash, DEFINITION), 'utf8')))
        const config = await openConfig(paths, kept.config)
        return coreService(
          service,
          hash,
          kept,
          { ...config.env, PACS_TRAEFIK_DIR: paths.traefik },
          async () => undefined,
        )
      } catch {
        return null
      }
    },

    async prune({ instances, core, corePlans }: Kept) {
      const keptReleases = new Set(instances.map((one) => one.release as string))
      const keptImages = new Set<string>()
      const dropped: Release[] = []
      for (const id of await visible(paths.releases)) {
        const release = await readRelease(id)
        if (!keptReleases.has(id) && id !== corePlans) dropped.push(release)
        else for (const image of imagesOf(release)) keptImages.add(image)
      }
      for (const release of dropped) {
        await engine.removeImages(imagesOf(release).filter((image) => !keptImages.has(image)))
        await rm(release.directory, { recursive: true, force: true })
      }
      const revisions = new Set(instances.map((one) => one.config))
      for (const service of await visible(paths.stack)) {
        for (const hash of await visible(join(paths.stack, service))) {
          const directory = join(paths.stack, service, hash)
          if (core[service] !== hash) await rm(directory, { recursive: true, force: true })
          else revisions.add(keptSchema.parse(JSON.parse(await readFile(join(directory, DEFINITION), 'utf8'))).config)
        }
      }
      for (const revision of await visible(paths.config)) {
        if (/^[0-9a-f]{16}$/.test(revision) && !revisions.has(revision)) {
          await rm(join(paths.config, revision), { recursive: true, force: true })
        }
      }
    },
  }

  function coreService(
    name: string,
    hash: string,
    kept: KeptDefinition,
    values: Readonly<Record<string, string>>,
    materialize: () => Promise<void>,
  ): CoreService {
    const file = join(paths.stack, name, hash, PROJECT_FILE)
    return {
      name,
      hash,
      image: kept.image,
      container: kept.container,
      grace: kept.grace,
      project: { name: 'pacs', file, directory: kept.stack, env: values },
      materialize,
    }
  }
}

const PROJECT_FILE = '.compose.json'
const DEFINITION = '.definition.json'

/** What it takes to make a core service again, beside its files. */
const keptSchema = z.object({
  image: z.string(),
  container: z.string(),
  config: z.string(),
  stack: z.string(),
  grace: z.number(),
})
type KeptDefinition = z.infer<typeof keptSchema>

const resolvedSchema = z.object({ services: z.record(z.string(), z.unknown()) })

/** Names in a directory that are not being written. */
async function visible(directory: string): Promise<string[]> {
  return (await readdir(directory).catch(() => [])).filter((name) => !name.startsWith('.'))
}

function imagesOf({ manifest, reference }: Release): string[] {
  return [reference, ...Object.keys(manifest.images).map((service) => pinned(manifest, service))]
}

function pinned(manifest: ReleaseManifest, service: string): string {
  const image = manifest.images[service]
  if (!image) throw badInput(`the release holds no image for service ${service}: build and push it again`)
  return `${image.ref}@${image.digest}`
}

/** Adds what a stack needs of the configuration and what is not in it. */
export async function checkConfig(stack: Stack, config: ConfigRevision, problems: Problems): Promise<void> {
  const edit = 'on the server, run "pacs-agent config edit"'
  if (!config.env[PUBLIC_HOST])
    problems.add(`.env: ${PUBLIC_HOST} (the host name of the public entry) is missing; ${edit}`)
  for (const variable of variablesOf(stack)) {
    if (!variable.server || !variable.required || AGENT_VARIABLES.includes(variable.name)) continue
    if (config.env[variable.name]) continue
    problems.add(
      `.env: ${variable.name} is missing or empty, and ${variable.services.join(', ')} need it (${variable.file}:${variable.line}); ${edit}`,
    )
  }
  for (const service of stack.services.keys()) {
    for (const path of filesOf(stack, service).secrets) {
      const found = await readFile(join(config.directory, path)).catch(() => null)
      if (found === null || found.length === 0)
        problems.add(`config: ${path} is missing or empty, and ${service} needs it; put it in config/next/${path}`)
    }
  }
}

function runningService(service: StackService, rendered: Rendered): RunningService {
  const { pacs } = service
  if (pacs.port === undefined || pacs.ready === undefined) {
    throw badInput(`${service.name}: x-pacs needs port and ready for a service that is deployed start-first`)
  }
  const start = service.definition.healthcheck?.start_period
  return {
    name: service.name,
    containers: [...containerNames(rendered, service.name)],
    port: pacs.port,
    route: pacs.route ?? null,
    ready: pacs.ready,
    checks: pacs.checks.map(({ path, status }) => ({ path, status })),
    assets: pacs.assets ?? null,
    critical: pacs.critical,
    grace: service.stopGraceMs / 1000,
    startLimit:
      typeof start === 'string' ? parseDuration(`${service.name}.healthcheck.start_period`, start) : START_LIMIT,
  }
}

/** Bytes of `deploy.resources.limits.memory`; 0 where there is no limit. */
function memoryLimit(service: StackService): number {
  const limits = z
    .object({ resources: z.object({ limits: z.object({ memory: z.union([z.string(), z.number()]) }) }) })
    .safeParse(service.definition.deploy)
  const match = limits.success ? /^(\d+(?:\.\d+)?)([kmg]?)b?$/i.exec(String(limits.data.resources.limits.memory)) : null
  const power = { '': 0, k: 1, m: 2, g: 3 }[(match?.[2] ?? '').toLowerCase()] ?? 0
  return match ? Number(match[1]) * 1024 ** power : 0
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

/** The content of a file, or of every file below a directory in the order of their names. */
async function contentOf(path: string): Promise<Buffer> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true }).catch(() => null)
  if (entries === null) return readFile(path)
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  return Buffer.concat(
    await Promise.all(
      files
        .sort()
        .map(async (file) => Buffer.concat([Buffer.from(`\0${file.slice(path.length)}\0`), await readFile(file)])),
    ),
  )
}

/** Copies what a core service mounts into its own directory, which appears whole or not at all. */
async function layDown(
  directory: string,
  sources: readonly { path: string; from: string }[],
  document: unknown,
  kept: KeptDefinition,
): Promise<void> {
  const beside = join(dirname(directory), `.${kept.config}.new`)
  await rm(beside, { recursive: true, force: true })
  await mkdir(beside, { recursive: true, mode: 0o755 })
  for (const { path, from } of sources) {
    await mkdir(dirname(join(beside, path)), { recursive: true, mode: 0o755 })
    await cp(from, join(beside, path), { recursive: true })
    await openModes(join(beside, path))
  }
  await replaceFile(join(beside, PROJECT_FILE), JSON.stringify(document), 0o640)
  await replaceFile(join(beside, DEFINITION), JSON.stringify(kept), 0o640)
  await rename(beside, directory)
}

/** Readable by whatever user the container has; the parents keep others out. */
async function openModes(path: string): Promise<void> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => null)
  await chmod(path, entries === null ? 0o444 : 0o755)
  for (const entry of entries ?? []) await openModes(join(path, entry.name))
}
