import type { Db } from 'mongodb'
import { z } from 'zod'
import { type Contents, contentsSchema } from './contents.ts'

/** What a check is given: the restored database, where its user may do anything, and what the backup says it holds. */
export interface CheckContext {
  db: Db
  contents: Contents
}

/** The default export of a `*.check.js`: the application's own question to restored data. */
export interface BackupCheck {
  /** What holds when it finds nothing: `every signature names a report`. */
  title: string
  /** What is wrong, a line each, without patient data; empty when it holds. */
  check(context: CheckContext): Promise<string[]>
}

export const questionSchema = z.object({
  /** The file of the check. */
  check: z.string(),
  address: z.object({
    host: z.string(),
    port: z.int(),
    username: z.string().optional(),
    password: z.string().optional(),
    authSource: z.string().optional(),
  }),
  database: z.string(),
  contents: contentsSchema,
  token: z.string(),
})
/** What a check is asked, and the word that its answer must carry. */
export type CheckQuestion = z.infer<typeof questionSchema>

export const answerSchema = z.union([
  z.object({ token: z.string(), title: z.string(), found: z.array(z.string()) }),
  z.object({ token: z.string(), fault: z.string() }),
])
