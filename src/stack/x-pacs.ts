import { z } from 'zod'
import { GATE_RULE_IDS } from './gate/rule-ids.ts'
import { field } from './sources.ts'
import { dataKeys, xPacsDataSchema } from './x-pacs-data.ts'

/** The path of a URL, with its query: printable ASCII from the first slash on. */
const urlPath = z.string().regex(/^\/[\x21-\x7e]*$/, 'must be a path of printable characters that starts with /')

const port = z.int('must be a whole number').min(1, 'must be 1 to 65535').max(65_535, 'must be 1 to 65535')

const UNITS: Readonly<Record<string, number>> = { B: 1, KB: 1000, KiB: 1024, MB: 1_000_000, MiB: 1_048_576 }
const SIZE = /^(\d+)(B|KB|KiB|MB|MiB)$/

const byteSize = z
  .string()
  .regex(SIZE, 'must be a size like 600KiB or 2MiB')
  .transform((text) => {
    const [, count, unit = ''] = SIZE.exec(text) ?? []
    return Number(count) * (UNITS[unit] ?? 1)
  })

const traefikRule = z
  .string()
  .min(1)
  .refine(isBalanced, 'must be a rule of Traefik, like PathPrefix(`/api`): its parentheses or backticks do not match')

/** Middlewares of the edge, in the order in which a request meets them. */
const middlewareNames = z.array(z.string().min(1))

/**
 * What Compose cannot say about a service, as a person writes it (kebab-case), read into what the code uses (camelCase;
 * sizes in bytes). A service is critical unless it says `critical: false`: one that nobody marked must be able to turn health red.
 */
export const xPacsSchema = z
  .strictObject({
    port: port.optional(),
    route: traefikRule.optional(),
    middlewares: middlewareNames.default([]),
    routes: z.array(z.strictObject({ route: traefikRule, middlewares: middlewareNames })).default([]),
    edge: z
      .string()
      .regex(/^[A-Za-z0-9_-][A-Za-z0-9._/-]*\.ya?ml$/, 'must be the path of a YAML file beside the Compose file')
      .refine(
        (path) => !path.split('/').includes('..'),
        "leaves the stack's directory, which is all that a release holds",
      )
      .optional(),
    ready: urlPath.optional(),
    checks: z.array(z.strictObject({ path: urlPath, status: z.int().min(100).max(599).default(200) })).default([]),
    assets: z
      .string()
      .regex(/^(\/[A-Za-z0-9._~-]+)+$/, 'must be a path prefix like /assets, without a slash at its end')
      .optional(),
    metrics: z
      .strictObject({
        port,
        path: urlPath.default('/metrics'),
        'in-flight': z
          .string()
          .regex(/^[a-zA-Z_:][a-zA-Z0-9_:]*$/, 'must be the name of a metric')
          .optional(),
      })
      .transform(({ port, path, 'in-flight': inFlight }) => ({ port, path, inFlight }))
      .optional(),
    critical: z.boolean().default(true),
    reload: z.enum(['SIGHUP', 'SIGUSR1', 'SIGUSR2']).optional(),
    'bundle-budget': byteSize.optional(),
    data: xPacsDataSchema.optional(),
    allow: z
      .partialRecord(z.enum(GATE_RULE_IDS), z.string().min(10, 'must say why, in at least 10 characters'))
      .default({}),
  })
  .transform(({ 'bundle-budget': bundleBudget, ...rest }) => ({ ...rest, bundleBudget }))

export type XPacs = z.infer<typeof xPacsSchema>

/** Keys that a person may write, by the path of the map that holds them. */
export const xPacsKeys: Readonly<Record<'' | 'checks' | 'metrics' | 'routes', readonly string[]>> = {
  '': [
    ...['port', 'route', 'middlewares', 'routes', 'ready', 'checks', 'assets', 'metrics', 'critical', 'reload', 'edge'],
    ...['bundle-budget', 'data', 'allow'],
  ],
  checks: ['path', 'status'],
  routes: ['route', 'middlewares'],
  metrics: ['port', 'path', 'in-flight'],
}

/** Keys that a person may write in the map at `path` of `pacs`, the value of x-pacs. */
export function allowedKeys(path: readonly PropertyKey[], pacs: unknown): readonly string[] {
  const [group, ...inner] = path
  if (group === 'checks' || group === 'metrics' || group === 'routes') return xPacsKeys[group]
  if (group === 'allow') return GATE_RULE_IDS
  return group === 'data' ? dataKeys(field(field(pacs, 'data'), 'kind'), inner) : xPacsKeys['']
}

function isBalanced(rule: string): boolean {
  const outside = rule.replaceAll(/`[^`]*`/g, '')
  if (outside.includes('`')) return false
  let depth = 0
  for (const character of outside) {
    if (character === '(') depth += 1
    if (character === ')') depth -= 1
    if (depth < 0) return false
  }
  return depth === 0 && /[A-Za-z]\(/.test(outside)
}
