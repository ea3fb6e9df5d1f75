import { z } from 'zod'
import type { Repository } from '../../backup/index.ts'
import { refused } from '../../lib/index.ts'
import { databaseSchema } from '../protocol.ts'

const repositorySchema = z.object({
  location: z.string(),
  passwordFile: z.string(),
  env: z.record(z.string(), z.string()),
})

/** Where the data of a release lies on this server, with which logins it is migrated and backed up, and where backups go. */
export const dataPlanSchema = z.object({
  /** The MongoDB of the stack; null where it has none. */
  database: z.object({ service: z.string(), migrate: databaseSchema, backup: databaseSchema }).nullable(),
  archives: z.array(
    z.object({
      service: z.string(),
      container: z.string(),
      volume: z.string(),
      /** The PostgreSQL with its index; null for one in SQLite. */
      index: z
        .object({ service: z.string(), container: z.string(), database: z.string(), user: z.string() })
        .nullable(),
    }),
  ),
  caches: z.array(z.object({ service: z.string(), container: z.string(), user: z.string(), password: z.string() })),
  /** Files that go with the data. */
  folders: z.array(z.object({ name: z.string(), path: z.string(), secret: z.boolean() })),
  repository: repositorySchema,
  second: repositorySchema.nullable(),
  release: z.string(),
  versions: z.record(z.string(), z.string()),
  /** The folder of the stack's files. */
  stack: z.string(),
})
export type DataPlan = z.infer<typeof dataPlanSchema>

/** What a verification is told of it: no login of anything that lives. */
export const proofPlanSchema = dataPlanSchema.pick({ repository: true, second: true, versions: true, stack: true })
export type ProofPlan = z.infer<typeof proofPlanSchema>

/** @throws Failure `refused` where there is none */
export function secondOf({ second }: Pick<DataPlan, 'second'>): Repository {
  if (second !== null) return second
  throw refused('no second repository is configured: BACKUP_SECOND_REPOSITORY in .env names it')
}
