import { z } from 'zod'
import { badInput } from '../../lib/index.ts'

const port = z.int().min(1).max(65_535)
/** The name of a file in the folder of the secrets. */
const secret = z.string().regex(/^[\w.-]+$/)
const scalar = z.union([z.string(), z.number(), z.boolean()])

const checkSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('http'),
    port,
    path: z.string().startsWith('/'),
    status: z.int().optional(),
    expect: z.record(z.string(), scalar).optional(),
    contains: z.string().min(1).optional(),
    /** A user, and the secret file that has the password. */
    login: z.strictObject({ user: z.string(), secret }).optional(),
    /** Where in the answer's JSON the instance stands that answered; it must be that of the asked container. */
    instance: z.string().optional(),
  }),
  z.strictObject({ kind: z.literal('mongodb'), port }),
  z.strictObject({ kind: z.literal('redis'), port, user: z.string().optional() }),
  z.strictObject({ kind: z.literal('postgres'), port, user: z.string() }),
  z.strictObject({
    kind: z.literal('dicom'),
    port,
    called: z.string().max(16),
    calling: z.string().max(16),
    /** Where DICOM goes by TLS: whom to trust, and the certificate and key to show. */
    tls: z.strictObject({ ca: secret, certificate: secret, key: secret }).optional(),
  }),
])

const fileSchema = z.strictObject({
  /** What stands before the Compose projects of this stack: `pacs`, `pacs-1a2b3c4d`. */
  project: z.string().min(1),
  services: z.record(
    z.string(),
    z.strictObject({
      /** Whether the stack is down when it is: else it is degraded. */
      critical: z.boolean().default(true),
      /** Whether it may be absent, as a service of a profile is. */
      optional: z.boolean().default(false),
      checks: z.array(checkSchema).default([]),
    }),
  ),
  /** Folders whose disks must have room; those that do not exist are left out. */
  disks: z.array(z.string().startsWith('/')).default([]),
  /** The header by which the public entry tells which instance answered. */
  'instance-header': z.string().optional(),
  /** The agent's socket; it is asked where there is one. */
  agent: z.string().startsWith('/').optional(),
})

export type ServiceCheck = z.infer<typeof checkSchema>
export type ChecksFile = z.infer<typeof fileSchema>

/** As the Compose file writes a variable with its default: `${DICOM_AET:-PACS}`. */
const VARIABLE = /\$\{(\w+):-([^}]*)\}/g

/**
 * Reads what is to be checked.
 * @param env the variables that the stack runs with. @throws Failure `bad-input` with every mistake
 */
export function parseChecksFile(
  file: string,
  text: string,
  env: Readonly<Record<string, string | undefined>>,
): ChecksFile {
  const settled = (value: string) => value.replaceAll(VARIABLE, (_use, name, or) => env[name] || or)
  let json: unknown
  try {
    json = JSON.parse(text, (_key, value: unknown) => (typeof value === 'string' ? settled(value) : value))
  } catch {
    throw badInput(`${file} is no JSON`)
  }
  const parsed = fileSchema.safeParse(json)
  if (parsed.success) return parsed.data
  throw badInput(parsed.error.issues.map(({ path, message }) => `${file}: ${path.join('.')}: ${message}`).join('\n'))
}
