import { join } from 'node:path'
import {
  type ComposeDocument,
  explicitGrant,
  type Images,
  keptDefinition,
  mapDependencies,
  mapMounts,
  mapResource,
  pinnedImage,
  type Rendered,
  usedVolumes,
} from './render.ts'
import { networksOf, type Stack, type StackService, servicesOf } from './stack.ts'

export interface CoreTarget {
  images: Images
  /** Where a path that a core service mounts lies on the server: the directory below which it keeps its name. */
  mountDirectory: (service: string, path: string) => string
}

const PROJECT = 'pacs'

/**
 * The Compose project of the core services, as declared but for images by digest and files in each service's own directory.
 * @throws Failure `refused` when the release lacks an image
 */
export function renderCore(stack: Stack, target: CoreTarget): Rendered {
  const core = servicesOf(stack, 'core')
  const names = new Set(core.map(({ name }) => name))
  const document: ComposeDocument = {
    services: {},
    networks: usedNetworks(stack, core),
    volumes: usedVolumes(stack, core),
    secrets: {},
    configs: {},
  }
  for (const service of core) {
    const place = (path: string) => join(target.mountDirectory(service.name, path), path)
    const definition: Record<string, unknown> = {
      ...keptDefinition(service),
      image: pinnedImage(target.images, service.name),
      ...mapDependencies(service, (name) => (names.has(name) ? name : null)),
      ...(service.definition.volumes ? { volumes: mapMounts(service.definition.volumes, place) } : {}),
    }
    // Compose declares a secret once for all; here each service has its own copy of the file, hence a key of its own.
    for (const kind of ['secrets', 'configs'] as const) {
      const grants = service.definition[kind] ?? []
      for (const { source } of grants) {
        const resource = stack[kind].get(source)
        if (resource) document[kind][`${service.name}.${source}`] = mapResource(resource, place)
      }
      if (grants.length === 0) continue
      definition[kind] = grants
        .map((grant) => explicitGrant(kind, grant))
        .map((grant) => ({ ...grant, source: `${service.name}.${grant.source}` }))
    }
    document.services[service.name] = definition
  }
  return {
    project: PROJECT,
    document,
    services: core.map((service) => ({
      name: service.name,
      service: service.name,
      replicas: service.replicas,
      containers: containersOf(service),
    })),
  }
}

function containersOf({ name, replicas, definition }: StackService): string[] {
  if (definition.container_name !== undefined) return [definition.container_name]
  return Array.from({ length: replicas }, (_, index) => `${PROJECT}-${name}-${index + 1}`)
}

function usedNetworks(stack: Stack, services: readonly StackService[]): Record<string, unknown> {
  const used = new Set(services.flatMap((service) => [...networksOf(service).keys()]))
  return Object.fromEntries([...stack.networks].filter(([name]) => used.has(name)))
}
