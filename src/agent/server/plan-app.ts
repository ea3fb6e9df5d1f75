import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { badInput, parseDuration, replaceFile } from '../../lib/index.ts'
import { contentHash } from '../../release/index.ts'
import {
  containerNames,
  edgePolicy,
  i8,
  instanceName,
  memoryLimit,
  pinnedImage,
  type Rendered,
  renderApp,
  type Stack,
  type StackService,
} from '../../stack/index.ts'
import type { Layout } from '../layout.ts'
import type { Instance, RunningService } from '../transaction/state.ts'
import type { Plan, Release } from '../transaction/world.ts'
import { PUBLIC_HOST } from './check-config.ts'
import type { ConfigRevision } from './config.ts'
import { planData } from './plan-data.ts'

/** How long a start may take where the Compose file does not say it (`healthcheck.start_period`): 60 s. */
const START_LIMIT = 60_000

/** Plans the instance of a release with a configuration, and writes its Compose project beside the release. */
export async function planApp(stack: Stack, release: Release, config: ConfigRevision, paths: Layout): Promise<Plan> {
  const name = instanceName(release.id, config.revision)
  const short = i8(name)
  const directory = join(release.directory, 'stack')
  const rendered = renderApp(stack, {
    instance: name,
    release: release.id,
    images: release.manifest.images,
    stackDirectory: directory,
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
    edge: edgePolicy(stack),
  }
  const env = {
    ...config.env,
    PACS_TRAEFIK_DIR: paths.traefik,
    PACS_COMMIT: release.manifest.commit,
    PACS_RELEASE: release.id,
    PACS_INSTANCE: short,
  }
  return {
    release,
    instance,
    project: { name: rendered.project, file, directory, env },
    images: services.map((service) => pinnedImage(release.manifest.images, service.name)),
    memory: services.reduce((sum, service) => sum + memoryLimit(service) * service.replicas, 0),
    publicHost: config.env[PUBLIC_HOST] ?? '',
    data: await planData(stack, release, config, paths),
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
    middlewares: pacs.middlewares,
    routes: pacs.routes.map(({ route, middlewares }) => ({ rule: route, middlewares })),
    ready: pacs.ready,
    checks: pacs.checks.map(({ path, status }) => ({ path, status })),
    assets: pacs.assets ?? null,
    critical: pacs.critical,
    metrics: pacs.metrics ?? null,
    grace: service.stopGraceMs / 1000,
    startLimit:
      typeof start === 'string' ? parseDuration(`${service.name}.healthcheck.start_period`, start) : START_LIMIT,
  }
}
