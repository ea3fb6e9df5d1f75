import { z } from 'zod'
import { matching, optional, path, required, secret, text, wholeNumber } from '../runner/index.ts'

const nameSchema = z.string().regex(/^[^\0\s/\\."$*<>:|?]{1,63}$/, 'is no name of a database')

/** Where the database of a server without an agent is, and who logs in. */
export const databaseInputs = {
  database: optional(matching(nameSchema)),
  'database-port': wholeNumber(1, 65_535),
  'database-username': text,
  'database-password': secret(text),
  'database-tls-name': optional(required),
  'database-ca': optional(path),
}

export interface DatabaseInputs {
  database: string | undefined
  'database-port': number
  'database-username': string
  'database-password': string
  'database-tls-name': string | undefined
  'database-ca': string | undefined
}

/** What cannot be meant where no agent is. */
export function amissByTunnel(
  given: Partial<DatabaseInputs & { release: string | undefined; 'allow-core': boolean }>,
): string[] {
  const isMissing = (name: 'database' | 'database-username' | 'database-password') => name in given && !given[name]
  const missing = (['database', 'database-username', 'database-password'] as const).filter(isMissing)
  return [
    ...missing.map((name) => `input ${name} is missing: via "tunnel" no agent tells it`),
    ...(given.release === undefined
      ? []
      : ['input release: via "tunnel" the migrations of the checkout are meant, since no agent knows a release']),
    ...(given['allow-core'] === true ? ['input allow-core: via "tunnel" no agent is there to replace services'] : []),
    ...(given['database-ca'] !== undefined && given['database-tls-name'] === undefined
      ? ['input database-ca needs the input database-tls-name, the name that the certificate is for']
      : []),
  ]
}
