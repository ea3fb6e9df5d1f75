import { z } from 'zod'

/** The name of a user, a database, a secret or a volume. */
const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'must be a name of letters, digits, ".", "_" and "-"')

const account = z.strictObject({ name, password: name })

/** Where an Orthanc keeps its index, if not in a file of SQLite: a PostgreSQL of the stack. */
const index = z.strictObject({ service: name, database: name, user: name })

const kinds = {
  mongodb: z.strictObject({
    kind: z.literal('mongodb'),
    database: name,
    port: z.int('must be a whole number').min(1, 'must be 1 to 65535').max(65_535, 'must be 1 to 65535'),
    users: z.strictObject({ migrate: account, backup: account }),
  }),
  redis: z.strictObject({ kind: z.literal('redis'), user: name, password: name }),
  orthanc: z.strictObject({ kind: z.literal('orthanc'), volume: name, index: index.optional() }),
}

/** Which data a core service holds, as a person writes it: passwords and volumes by their names in the Compose file. */
export const xPacsDataSchema = z.discriminatedUnion('kind', [kinds.mongodb, kinds.redis, kinds.orthanc], {
  error: `must have a kind: ${Object.keys(kinds).join(', ')}`,
})

export type XPacsData = z.infer<typeof xPacsDataSchema>

/** Keys that a person may write in `data`, or in the map of it at `path`; none where there is no map. */
export function dataKeys(kind: unknown, path: readonly PropertyKey[]): readonly string[] {
  const [group, use] = path
  if (group === 'users')
    return use === undefined ? Object.keys(kinds.mongodb.shape.users.shape) : Object.keys(account.shape)
  if (group === 'index') return Object.keys(index.shape)
  return kind === 'mongodb' || kind === 'redis' || kind === 'orthanc' ? Object.keys(kinds[kind].shape) : []
}
