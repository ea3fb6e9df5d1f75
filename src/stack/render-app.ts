import { join } from 'node:path'
import type { ReleaseId } from '../release/index.ts'
import { asMap, type ResourceDefinition } from './definition.ts'
import { i8 } from './instance.ts'
import { isConfigPath } from './paths.ts'
import {
  type ComposeDocument,
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

export interface AppTarget {
  /** `<release id>-<rev8>`. */
  instance: string
  release: ReleaseId
  images: Images
  /** Where the release's stack lies on the server. */
  stackDirectory: string
  /** Where the config revision lies on the server. */
  configDirectory: string
}

/**
 * The Compose project of one instance of the app. Every name in it carries the instance's i8, so that two releases stand side
 * by side and neither answers for the other; plain service names live on the instance's own networks only.
 * @throws Failure `refused` when the release lacks an image
 */
export function renderApp(stack: Stack, target: AppTarget): Rendered {
  const suffix = i8(target.instance)
  const project = `pacs-${suffix}`
  const apps = servicesOf(stack, 'app')
  const names = new Map(apps.map(({ name }) => [name, `${name}-${suffix}`]))
  const labels = { 'pacs.instance': target.instance, 'pacs.release': target.release }
  const networks = new Networks(stack, suffix, labels)
  const place = (path: string) => join(isConfigPath(path) ? target.configDirectory : target.stackDirectory, path)

  const services = apps.map((service): [string, Record<string, unknown>] => {
    const { container_name: _fixed, networks: _declared, ...kept } = keptDefinition(service)
    const definition = {
      ...kept,
      image: pinnedImage(target.images, service.name),
      labels: { ...asMap(service.definition.labels), ...labels, 'pacs.service': service.name },
      networks: networks.of(service),
      ...mapDependencies(service, (name) => names.get(name) ?? null),
      ...(service.definition.volumes ? { volumes: mapMounts(service.definition.volumes, place) } : {}),
    }
    return [`${service.name}-${suffix}`, definition]
  })
  const resources = (kind: 'secrets' | 'configs') => {
    const used = new Set(apps.flatMap(({ definition }) => (definition[kind] ?? []).map(({ source }) => source)))
    const declared = [...stack[kind]].filter(([name]) => used.has(name))
    return Object.fromEntries(declared.map(([name, resource]) => [name, mapResource(resource, place)]))
  }
  const document: ComposeDocument = {
    services: Object.fromEntries(services),
    networks: networks.declared,
    volumes: usedVolumes(stack, apps),
    secrets: resources('secrets'),
    configs: resources('configs'),
  }
  return {
    project,
    document,
    services: apps.map(({ name, replicas }) => ({
      name: `${name}-${suffix}`,
      service: name,
      replicas,
      containers: Array.from({ length: replicas }, (_, index) => `${project}-${name}-${suffix}-${index + 1}`),
    })),
  }
}

/** The networks of an instance: shared ones are the core's and only joined, all others are its own and go with it. */
class Networks {
  /** The top-level networks of the document. */
  readonly declared: Record<string, unknown> = {}
  readonly #stack: Stack
  readonly #suffix: string
  readonly #labels: Readonly<Record<string, string>>
  readonly #shared: ReadonlySet<string>
  /** Whether another container of the instance could ask for a service by its plain name. */
  readonly #hasNeighbours: boolean

  constructor(stack: Stack, suffix: string, labels: Readonly<Record<string, string>>) {
    this.#stack = stack
    this.#suffix = suffix
    this.#labels = labels
    this.#shared = new Set(servicesOf(stack, 'core').flatMap((service) => [...networksOf(service).keys()]))
    this.#hasNeighbours = servicesOf(stack, 'app').reduce((sum, { replicas }) => sum + replicas, 0) > 1
  }

  /**
   * What a service joins: the networks that it names, and the instance's own default network, where its neighbours find it by its
   * plain name. One without neighbours does without: making a network takes as long as making a container.
   */
  of(service: StackService): Record<string, unknown> {
    const joined: Record<string, unknown> = {}
    if (this.#hasNeighbours) this.#joinOwn(joined, 'default', { aliases: [service.name] })
    for (const [network, attachment] of networksOf(service)) {
      if (this.#shared.has(network)) {
        const key = network === 'default' ? 'default-shared' : network
        const { aliases: _mixing, ...rest } = attachment ?? {}
        joined[key] = Object.keys(rest).length === 0 ? null : rest
        this.declared[key] = { name: this.#definition(network).name ?? network, external: true }
      } else {
        const aliases = [...new Set([service.name, ...(attachment?.aliases ?? [])])]
        this.#joinOwn(joined, network, { ...attachment, aliases })
      }
    }
    return joined
  }

  #joinOwn(joined: Record<string, unknown>, network: string, attachment: Readonly<Record<string, unknown>>): void {
    joined[network] = attachment
    this.declared[network] = this.#own(network)
  }

  #definition(network: string): ResourceDefinition {
    return this.#stack.networks.get(network) ?? {}
  }

  #own(network: string): Record<string, unknown> {
    const definition = network === 'default' && this.#shared.has(network) ? {} : this.#definition(network)
    const name = network === 'default' ? `pacs-${this.#suffix}` : `${definition.name ?? network}-${this.#suffix}`
    return { ...definition, name, labels: { ...labelsOf(definition), ...this.#labels } }
  }
}

function labelsOf(definition: ResourceDefinition): Record<string, unknown> {
  const { labels } = definition
  if (Array.isArray(labels)) return asMap(labels.map(String))
  return labels !== null && typeof labels === 'object' ? { ...labels } : {}
}
