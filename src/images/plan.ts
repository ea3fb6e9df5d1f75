import { access } from 'node:fs/promises'
import { isAbsolute, relative, resolve } from 'node:path'
import { z } from 'zod'
import { Problems } from '../lib/index.ts'
import { repositorySchema } from '../release/index.ts'
import { type Finding, formatFinding, type Stack, type StackService } from '../stack/index.ts'

/** Where the image of a service comes from. */
export type ImageSource =
  | { service: string; kind: 'pull'; reference: string }
  | {
      service: string
      kind: 'build'
      context: string
      dockerfile: string
      target?: string
      args: Readonly<Record<string, string>>
      /** Bytes that its page may load first, gzipped; undefined for what has no page. */
      bundleBudget?: number
    }
  /** The image that another service of the stack is built as. */
  | { service: string; kind: 'same'; as: string }

/** Build arguments that every build gets; a value of the Compose file for one of them is ignored. */
export const OWN_ARGS = ['COMMIT', 'VERSION', 'CREATED', 'SOURCE_DATE_EPOCH'] as const

const SUPPORTED = new Set(['context', 'dockerfile', 'target', 'args'])

/**
 * Says for each service of a stack how its image comes about.
 * @param unfit what keeps the agent from running it
 * @param directory the checkout: nothing outside it gets into a build.
 * @throws Failure `bad-input` with everything that is wrong, one per line.
 */
export async function planImages(
  stack: Stack,
  unfit: readonly Finding[],
  directory: string,
  prefix: string,
): Promise<ImageSource[]> {
  const problems = new Problems()
  if (!repositorySchema.safeParse(prefix).success) {
    problems.add(`prefix: "${prefix}" is no repository with its registry (like ghcr.io/org/pacs)`)
  }
  for (const finding of unfit) problems.add(formatFinding(finding))
  const sources: ImageSource[] = []
  for (const service of stack.services.values()) {
    const complain = (message: string) => problems.add(`${stack.file}: ${service.name}: ${message}`)
    if (service.name === 'release' || !repositorySchema.safeParse(`ghcr.io/${service.name}`).success) {
      complain('this name cannot be the name of an image beside the release image; rename the service')
    }
    const source = service.build
      ? await planBuild(stack, directory, service, service.build, complain)
      : planPull(stack, service, complain)
    if (source) sources.push(source)
  }
  if (sources.length === 0) problems.add(`${stack.file} has no services: nothing to build`)
  problems.throwIfAny()
  return sources
}

function planPull(stack: Stack, service: StackService, complain: (message: string) => void): ImageSource | null {
  const { image } = service
  if (image === undefined) {
    complain('has neither image nor build; give it one')
    return null
  }
  const builder = [...stack.services.values()].find((other) => other.build && other.image === image)
  if (builder) return { service: service.name, kind: 'same', as: builder.name }
  if (hasVariable(image)) {
    complain(`its image ${image} holds a variable: write it literally, so that every release of a commit runs the same`)
    return null
  }
  return { service: service.name, kind: 'pull', reference: image }
}

const buildKeys = z.record(z.string(), z.unknown())

async function planBuild(
  stack: Stack,
  directory: string,
  service: StackService,
  build: NonNullable<StackService['build']>,
  complain: (message: string) => void,
): Promise<ImageSource | null> {
  const given = buildKeys.safeParse(service.definition.build)
  const unknown = Object.keys(given.success ? given.data : {}).filter(
    (key) => !SUPPORTED.has(key) && !key.startsWith('x-'),
  )
  if (unknown.length > 0) {
    complain(`build.${unknown.join(', build.')} cannot be had here: use context, dockerfile, target and args`)
  }
  const paths = [build.context, build.dockerfile, build.target ?? '']
  if (paths.some(hasVariable)) {
    complain('build: context, dockerfile and target cannot hold variables; write them literally')
    return null
  }
  if (/^[a-z+]+:\/\/|^git@|^github\.com\//.test(build.context)) {
    complain(`build.context ${build.context} is not in the checkout: a release is built from its commit alone`)
    return null
  }
  const context = resolve(stack.directory, build.context)
  const dockerfile = resolve(context, build.dockerfile)
  for (const [what, path] of [
    ['build.context', context],
    ['build.dockerfile', dockerfile],
  ] as const) {
    const inside = relative(directory, path)
    if (inside.startsWith('..') || isAbsolute(inside))
      complain(`${what} ${path} lies outside the checkout ${directory}`)
    else if (!(await exists(path))) complain(`${what} ${inside || '.'} does not exist in the checkout`)
  }
  return {
    service: service.name,
    kind: 'build',
    context,
    dockerfile,
    ...(build.target === undefined ? {} : { target: build.target }),
    args: argsOf(build.args, complain),
    ...(service.pacs.bundleBudget === undefined ? {} : { bundleBudget: service.pacs.bundleBudget }),
  }
}

function argsOf(
  args: Readonly<Record<string, string | null>>,
  complain: (message: string) => void,
): Record<string, string> {
  const own = new Set<string>(OWN_ARGS)
  const literal: Record<string, string> = {}
  for (const [name, value] of Object.entries(args)) {
    if (own.has(name)) continue
    if (value === null || hasVariable(value)) {
      complain(
        `build.args.${name} takes its value from the environment: one image runs everywhere, so write a literal value or give it at run time`,
      )
    } else literal[name] = value.replaceAll('$$', '$')
  }
  return literal
}

function hasVariable(text: string): boolean {
  return text.replaceAll('$$', '').includes('$')
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
