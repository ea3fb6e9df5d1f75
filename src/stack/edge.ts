import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import { badInput, messageOf } from '../lib/index.ts'
import type { Report } from './finding.ts'
import { interpolationOf } from './interpolation.ts'
import { normalised } from './paths.ts'
import { type Stack, type StackService, servicesOf } from './stack.ts'

// Traefik's own words, which it checks itself. A chain names other middlewares and an error page a service, and both have other
// names on a server; a certificate is given with the configuration.
const policySchema = z
  .strictObject({
    http: z
      .strictObject({ middlewares: z.record(z.string().regex(/^[a-z0-9-]+$/), z.record(z.string(), z.unknown())) })
      .refine(
        ({ middlewares }) => !Object.values(middlewares).some((one) => 'chain' in one || 'errors' in one),
        'a middleware is a chain or an error page: name the single ones under x-pacs.middlewares, in their order',
      )
      .refine(
        ({ middlewares }) => !('instance' in middlewares),
        'the middleware "instance" is the one that says which instance answered: give yours another name',
      ),
    tls: z.strictObject({ options: z.record(z.string(), z.record(z.string(), z.unknown())) }).optional(),
  })
  .transform(({ http, tls }) => ({ middlewares: http.middlewares, tls: tls?.options ?? {} }))

/** What the edge does with requests and answers, whichever instance they belong to: Traefik's middlewares and TLS options, by name. */
export type EdgePolicy = z.infer<typeof policySchema>

/**
 * Reads the file that `x-pacs.edge` of a core service names; null for a stack that has none.
 * @throws Failure `bad-input` for a file that holds anything else than middlewares and TLS options
 */
export function edgePolicy(stack: Stack): EdgePolicy | null {
  const owner = ownerOf(stack)
  if (owner?.pacs.edge === undefined) return null
  const file = normalised(owner.pacs.edge)
  let value: unknown
  try {
    value = parse(readFileSync(join(stack.directory, file), 'utf8'))
  } catch (thrown) {
    throw badInput(`${file} cannot be read: ${messageOf(thrown).split('\n')[0]}`)
  }
  const parsed = policySchema.safeParse(value)
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.map(({ path, message }) => [path.join('.'), message].filter(Boolean).join(': '))
  throw badInput(`${file} is no policy of the edge (http.middlewares and tls.options): ${problems.join('; ')}`)
}

/** Whether a core service is the edge: it names the edge's policy, or reads the routes that the agent writes. */
export function isEdge({ pacs, definition }: StackService): boolean {
  const sources = (definition.volumes ?? []).map(({ source = '' }) => source)
  const names = sources.flatMap((source) => interpolationOf(source).uses.map(({ name }) => name))
  return pacs.edge !== undefined || names.includes('PACS_TRAEFIK_DIR')
}

/** The policy must be readable, and hold every middleware that a service names. */
export function* checkEdge(stack: Stack): Generator<Report> {
  const owner = ownerOf(stack)
  let known: readonly string[] = []
  if (owner !== undefined) {
    try {
      known = Object.keys(edgePolicy(stack)?.middlewares ?? {})
    } catch (thrown) {
      yield { rule: 'x-pacs', message: messageOf(thrown), path: ['services', owner.name, 'x-pacs', 'edge'] }
      return
    }
  }
  for (const { name, pacs } of servicesOf(stack, 'app')) {
    const path = ['services', name, 'x-pacs']
    const lists = [
      { names: pacs.middlewares, at: [...path, 'middlewares'] },
      ...pacs.routes.map(({ middlewares }, index) => ({ names: middlewares, at: [...path, 'routes', index] })),
    ]
    for (const { names, at } of lists) {
      for (const wanted of names) {
        if (known.includes(wanted)) continue
        const where = owner?.pacs.edge ?? 'a file that x-pacs.edge of the edge service names'
        yield { rule: 'x-pacs', message: `no middleware ${wanted} in ${where}: add it there`, path: at }
      }
    }
    for (const [index, { route }] of pacs.routes.entries()) {
      if (pacs.route === undefined || route.length > pacs.route.length) continue
      const message = `the rule must be longer than x-pacs.route (${pacs.route.length} characters): Traefik takes the longest that matches, so this exception would never be chosen`
      yield { rule: 'x-pacs', message, path: [...path, 'routes', index] }
    }
    if (pacs.routes.length > 0 && pacs.route === undefined) {
      yield { rule: 'x-pacs', message: 'routes are exceptions to x-pacs.route, which is missing', path }
    }
  }
}

function ownerOf(stack: Stack): StackService | undefined {
  return servicesOf(stack, 'core').find(({ pacs }) => pacs.edge !== undefined)
}
