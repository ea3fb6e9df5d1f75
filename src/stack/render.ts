import { refused } from '../lib/index.ts'
import type { ReleaseManifest } from '../release/index.ts'
import type { GrantDefinition, MountDefinition, ResourceDefinition } from './definition.ts'
import { mapPath } from './paths.ts'
import type { Stack, StackService } from './stack.ts'

export type Images = ReleaseManifest['images']

/** A Compose file as a plain object; variables stand in it as they do in the team's own file. */
export interface ComposeDocument {
  services: Record<string, Record<string, unknown>>
  networks: Record<string, unknown>
  volumes: Record<string, unknown>
  secrets: Record<string, unknown>
  configs: Record<string, unknown>
}

export interface RenderedService {
  /** Its key in the document. */
  name: string
  /** Its name in the stack. */
  service: string
  replicas: number
  /** The names that Compose gives to its containers. */
  containers: readonly string[]
}

/** What `docker compose -f DOCUMENT -p PROJECT` gets. */
export interface Rendered {
  project: string
  document: ComposeDocument
  services: readonly RenderedService[]
}

/** The names of the containers of a stack's service; none when it is not part of what was rendered. */
export function containerNames(rendered: Rendered, service: string): readonly string[] {
  return rendered.services.find((one) => one.service === service)?.containers ?? []
}

/**
 * `ref@digest` of a service's image in a release.
 * @throws Failure `refused` when the release has none
 */
export function pinnedImage(images: Images, service: string): string {
  const image = images[service]
  if (!image)
    throw refused(`the release holds no image for service ${service}: build and push it again from this stack`)
  return `${image.ref}@${image.digest}`
}

// What only a build, a laptop or the stack's own rules read, and what the renderers write anew.
const LEFT_OUT = new Set(['build', 'develop', 'profiles', 'pull_policy', 'depends_on', 'env_file', 'deploy', 'image'])

/** The parts of a service's definition that stand in a rendered file as they do in the team's. */
export function keptDefinition({ definition }: StackService): Record<string, unknown> {
  const kept = Object.entries(definition).filter(([key]) => !LEFT_OUT.has(key) && !key.startsWith('x-'))
  const { update_config: _update, rollback_config: _rollback, ...deploy } = definition.deploy ?? {}
  return { ...Object.fromEntries(kept), ...(Object.keys(deploy).length === 0 ? {} : { deploy }) }
}

/** Mounts with the stack's relative paths laid out by `place`; a file that is not there is an error, never a new empty directory. */
export function mapMounts(mounts: readonly MountDefinition[], place: (relative: string) => string): unknown[] {
  return mounts.map((mount) => {
    if (mount.type !== 'bind' || mount.source === undefined) return mount
    const source = mapPath(mount.source, place)
    return source === mount.source
      ? mount
      : { ...mount, source, bind: { ...(mount.bind ?? {}), create_host_path: false } }
  })
}

/** A secret or config as declared, its file laid out by `place`. */
export function mapResource(resource: ResourceDefinition, place: (relative: string) => string): unknown {
  return resource.file === undefined ? resource : { ...resource, file: mapPath(resource.file, place) }
}

/** The definitions of a service's dependencies whose names `rename` knows. */
export function mapDependencies(
  { definition }: StackService,
  rename: (service: string) => string | null,
): Record<string, unknown> {
  const kept = Object.entries(definition.depends_on ?? {}).flatMap(([service, condition]) => {
    const name = rename(service)
    return name === null ? [] : [[name, condition]]
  })
  return kept.length === 0 ? {} : { depends_on: Object.fromEntries(kept) }
}

/** The named volumes that services mount. */
export function usedVolumes(stack: Stack, services: readonly StackService[]): Record<string, unknown> {
  const used = services.flatMap(({ definition }) =>
    (definition.volumes ?? []).flatMap(({ type, source }) =>
      type === 'volume' && source !== undefined ? [source] : [],
    ),
  )
  return Object.fromEntries([...stack.volumes].filter(([name]) => used.includes(name)))
}

/** A grant with the target that it has without one. */
export function explicitGrant(
  kind: 'secrets' | 'configs',
  grant: GrantDefinition,
): GrantDefinition & { target: string } {
  return {
    ...grant,
    target: grant.target ?? (kind === 'secrets' ? `/run/secrets/${grant.source}` : `/${grant.source}`),
  }
}
