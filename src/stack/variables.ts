import { asMap } from './definition.ts'
import { interpolationOf } from './interpolation.ts'
import type { Path } from './sources.ts'
import type { Stack, StackService } from './stack.ts'
import { texts } from './texts.ts'

/** A variable that the Compose file uses. */
export interface StackVariable {
  name: string
  /** It has neither a default nor a replacement, or demands a value by `:?`. */
  required: boolean
  default?: string
  /** Services that it reaches; sorted. */
  services: readonly string[]
  /** Whether a server needs it: image names and build arguments are settled before. */
  server: boolean
  file: string
  line: number
}

interface Use {
  name: string
  required: boolean
  default?: string
  server: boolean
  path: Path
}

/** Every variable of the stack, by name, at the place of its first use. */
export function variablesOf(stack: Stack): StackVariable[] {
  const found = new Map<string, StackVariable & { services: string[] }>()
  for (const service of stack.services.values()) {
    for (const use of usesOf(stack, service)) {
      const { file, line } = stack.sources.locate(use.path)
      const known = found.get(use.name)
      if (!known) {
        const { path: _path, ...rest } = use
        found.set(use.name, { ...rest, services: [service.name], file, line })
        continue
      }
      known.required ||= use.required
      known.server ||= use.server
      if (known.default === undefined && use.default !== undefined) known.default = use.default
      if (!known.services.includes(service.name)) known.services.push(service.name)
      if (file === known.file && line < known.line) known.line = line
    }
  }
  const all = [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  return all.map((variable) => ({ ...variable, services: variable.services.toSorted() }))
}

function* usesOf(stack: Stack, service: StackService): Generator<Use> {
  const { name, definition } = service
  for (const { text, path } of texts(definition, ['services', name])) {
    const key = path[2]
    if (key === 'x-pacs' || (typeof key === 'string' && key.startsWith('x-'))) continue
    yield* usesIn(text, path, key !== 'image' && key !== 'build')
  }
  // A name without a value passes the variable on when there is one.
  for (const [variable, value] of Object.entries(asMap(definition.environment))) {
    if (value !== null) continue
    yield { name: variable, required: false, server: true, path: ['services', name, 'environment', variable] }
  }
  for (const kind of ['networks', 'volumes', 'secrets', 'configs'] as const) {
    for (const key of resourcesOf(service, kind)) {
      const resource = stack[kind].get(key)
      for (const { text, path } of texts(resource, [kind, key])) yield* usesIn(text, path, true)
      const environment = resource?.environment
      if (typeof environment === 'string') {
        yield { name: environment, required: true, server: true, path: [kind, key, 'environment'] }
      }
    }
  }
}

function* usesIn(text: string, path: Path, server: boolean): Generator<Use> {
  for (const { name, operator, operand } of interpolationOf(text).uses) {
    const required = operator === '' || operator.endsWith('?')
    yield { name, required, ...(operator.endsWith('-') ? { default: operand } : {}), server, path }
  }
}

function resourcesOf({ definition }: StackService, kind: 'networks' | 'volumes' | 'secrets' | 'configs'): string[] {
  if (kind === 'networks') return Object.keys(definition.networks ?? { default: null })
  return (definition[kind] ?? []).flatMap(({ source }) => (source === undefined ? [] : [source]))
}
