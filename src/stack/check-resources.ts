import { realpathSync, statSync } from 'node:fs'
import { join, sep } from 'node:path'
import type { Report } from './finding.ts'
import { hasVariable } from './interpolation.ts'
import { liveDirectories } from './live.ts'
import { isConfigPath, isRelative, mountedPaths, normalised, relativeDefault } from './paths.ts'
import { networksOf, type Stack, type StackService, servicesOf } from './stack.ts'

const KINDS = ['networks', 'volumes', 'secrets', 'configs'] as const

/** Networks, volumes, secrets, configs, and the files that services mount. */
export function* checkResources(stack: Stack): Generator<Report> {
  for (const service of stack.services.values()) {
    yield* checkReferences(stack, service)
    yield* checkPaths(stack, service)
    yield* checkReload(stack, service)
  }
  for (const kind of KINDS) {
    for (const [name, resource] of stack[kind]) {
      const path = [kind, name]
      if (resource.external !== undefined && resource.external !== false) {
        const message = `${kind} ${name} is external: the agent makes all that a stack needs; declare it with its name, without external`
        yield { rule: 'external', message, path: [...path, 'external'] }
      } else if ((kind === 'volumes' || kind === 'networks') && resource.name === undefined) {
        const message = `${kind} ${name} has no name of its own: Compose would make one per project, and ${kind === 'volumes' ? 'each release would start with an empty volume' : 'releases would not meet on it'}; add name: pacs-${name}`
        yield { rule: 'name', message, path }
      }
    }
  }
  for (const [name, { file }] of stack.secrets) {
    if (file === undefined || (isRelative(file) && /^secrets\/./.test(normalised(file)))) continue
    const message = `secret file ${file} lies outside ./secrets, the folder that a server keeps apart: move it to ./secrets/${name}`
    yield { rule: 'secret', message, path: ['secrets', name, 'file'] }
  }
  yield* checkDefaultNetwork(stack)
}

/** Compose's own check is off where variables stay: a service may name what nobody declares. */
function* checkReferences(stack: Stack, service: StackService): Generator<Report> {
  const { name, definition } = service
  const path = ['services', name]
  for (const network of Object.keys(definition.networks ?? {})) {
    if (network !== 'default' && !stack.networks.has(network)) yield undeclared('networks', network)
  }
  for (const [index, { type, source }] of (definition.volumes ?? []).entries()) {
    if (
      type === 'volume' &&
      source !== undefined &&
      !hasVariable(source) &&
      !source.includes('$') &&
      !stack.volumes.has(source)
    ) {
      yield undeclared('volumes', source, index)
    }
    if (type === 'volume' && source === undefined) {
      const message = 'a volume without a name is lost with its container: name it under volumes, or use tmpfs'
      yield { rule: 'name', message, path: [...path, 'volumes', index] }
    }
  }
  for (const kind of ['secrets', 'configs'] as const) {
    for (const [index, { source }] of (definition[kind] ?? []).entries()) {
      if (!stack[kind].has(source)) yield undeclared(kind, source, index)
    }
  }
  for (const other of service.dependsOn) {
    if (stack.services.has(other)) continue
    const message = `depends_on ${other}, which is no service of the stack (or only one of a profile): leave it out`
    yield { rule: 'undeclared', message, path: [...path, 'depends_on', other] }
  }

  function undeclared(kind: (typeof KINDS)[number], key: string, index?: number): Report {
    const message = `names ${key}, which ${kind} at the top of the file does not declare: add it there`
    return { rule: 'undeclared', message, path: [...path, kind, index ?? key] }
  }
}

function* checkPaths(stack: Stack, service: StackService): Generator<Report> {
  for (const { path: source, at } of mountedPaths(stack, service)) {
    const problem = problemOf(stack.directory, source)
    if (problem) yield { rule: 'path', message: `${source} ${problem}`, path: at }
  }
  for (const [index, { type, source = '' }] of (service.definition.volumes ?? []).entries()) {
    if (type !== 'bind') continue
    const at = ['services', service.name, 'volumes', index]
    const fallback = relativeDefault(source)
    if (fallback && leaves(normalised(fallback.path))) {
      yield {
        rule: 'path',
        message: `${fallback.path} leaves the stack's directory, which is all that a release holds`,
        path: at,
      }
    }
    if (source.startsWith('~')) {
      yield {
        rule: 'path',
        message: `${source} is in a home directory, which a server does not have: write an absolute path`,
        path: at,
      }
    }
  }
}

/** A service of which no folder is mounted could not be given a new file without being replaced. */
function* checkReload(stack: Stack, service: StackService): Generator<Report> {
  const { name, kind, pacs } = service
  if (kind !== 'core' || pacs.reload === undefined || liveDirectories(stack, service).length > 0) return
  const message =
    'x-pacs.reload needs a mounted folder of the stack (./proxy:/etc/proxy): a file that is mounted alone stays the old one inside a running container'
  yield { rule: 'x-pacs', message, path: ['services', name, 'x-pacs', 'reload'] }
}

function problemOf(directory: string, source: string): string | null {
  if (source.includes('$')) return 'holds a variable: a release must know its files; write the path itself'
  const path = normalised(source)
  if (leaves(path)) return "leaves the stack's directory, which is all that a release holds: copy it into the directory"
  if (path === '.') return 'is the whole stack directory: mount the file or folder that is needed'
  if (isConfigPath(path)) return null
  const full = join(directory, path)
  if (!statSync(full, { throwIfNoEntry: false }))
    return 'does not exist: Compose would make an empty directory of that name'
  const root = realpathSync(directory)
  return realpathSync(full).startsWith(`${root}${sep}`)
    ? null
    : "is a link that leads out of the stack's directory: copy what it names"
}

function leaves(path: string): boolean {
  return path === '..' || path.startsWith('../')
}

/** A network that nobody declared has the name of its project, so core and app would each have another one. */
function* checkDefaultNetwork(stack: Stack): Generator<Report> {
  if (stack.networks.has('default')) return
  const users = (kind: 'app' | 'core') =>
    servicesOf(stack, kind).filter((service) => networksOf(service).has('default'))
  const [app] = users('app')
  const [core] = users('core')
  if (!app || !core) return
  const message = `shares Compose's default network with ${core.name}, a core service: declare a network with a name for both, and list it under networks of each`
  yield { rule: 'name', message, path: ['services', app.name] }
}
