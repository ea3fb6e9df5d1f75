import { posix } from 'node:path'
import { escapeDollars } from './interpolation.ts'
import type { Stack, StackService } from './stack.ts'

/** What a person lays down on the server (config revision) and no release holds. */
const CONFIG_FOLDERS = ['secrets', 'certs']

/** Whether a path of a Compose file is relative to it; `$` begins a variable, `~` a home directory. */
export function isRelative(path: string): boolean {
  return !/^[/~$]/.test(path)
}

/** `./a//b/` as `a/b`; '.' for the directory itself. */
export function normalised(path: string): string {
  return (
    posix
      .normalize(path)
      .replace(/^(?:\.\/)+/, '')
      .replace(/\/+$/, '') || '.'
  )
}

/** Whether a normalised path belongs to the config revision rather than to the release. */
export function isConfigPath(path: string): boolean {
  return CONFIG_FOLDERS.includes(path.split('/')[0] ?? '')
}

/** The relative default of a source that is one variable: `./traefik/dynamic` in `${DIR:-./traefik/dynamic}`. */
export function relativeDefault(source: string): { head: string; path: string } | null {
  const parts = /^(\$\{[A-Za-z_][A-Za-z0-9_]*:?-)([^$}]+)\}$/.exec(source)
  const [, head, path] = parts ?? []
  return head && path && isRelative(path) ? { head, path } : null
}

/** A path of the Compose file as a rendered file names it: relative ones by `place`, the others as they stand. */
export function mapPath(source: string, place: (relative: string) => string): string {
  if (isRelative(source)) return escapeDollars(place(normalised(source)))
  const fallback = relativeDefault(source)
  return fallback ? `${fallback.head}${escapeDollars(place(normalised(fallback.path)))}}` : source
}

/** What a service mounts out of the stack's own folders, by paths relative to them. */
export interface MountedFiles {
  /** Files and directories that the release brings. */
  files: string[]
  /** Files of the config revision: `secrets/…` and `certs/…`. */
  secrets: string[]
}

/** The files that `service` mounts: what an agent copies and hashes for a core service. Sorted, each once. */
export function filesOf(stack: Stack, service: string): MountedFiles {
  const found = stack.services.get(service)
  if (!found) throw new Error(`the stack has no service ${service}`)
  const paths = [...new Set(mountedPaths(stack, found).map(({ path }) => normalised(path)))].sort()
  return { files: paths.filter((path) => !isConfigPath(path)), secrets: paths.filter(isConfigPath) }
}

/** A relative path in the Compose file that a service mounts, and the place that says so. */
export interface MountedPath {
  path: string
  at: (string | number)[]
}

export function mountedPaths(stack: Stack, { name, definition }: StackService): MountedPath[] {
  const binds = (definition.volumes ?? []).map((mount, index) => ({
    path: mount.type === 'bind' ? mount.source : undefined,
    at: ['services', name, 'volumes', index],
  }))
  const granted = (['secrets', 'configs'] as const).flatMap((kind) =>
    (definition[kind] ?? []).map(({ source }) => ({ path: stack[kind].get(source)?.file, at: [kind, source, 'file'] })),
  )
  return [...binds, ...granted].flatMap(({ path, at }) =>
    path !== undefined && isRelative(path) ? [{ path, at }] : [],
  )
}
