// The child's side: `pacs-agent work` reads from its standard input what to do, does it, and says on its output how far it is.
import { text } from 'node:stream/consumers'
import { z } from 'zod'
import { Failure } from '../../lib/index.ts'
import { migrationPhaseSchema, releaseMigrationSchema } from '../../release/index.ts'
import { databaseSchema, repositoryChoiceSchema, restoreTargetSchema, throughSchema } from '../protocol.ts'
import { backUpHere } from './backups.ts'
import type { ChildLine } from './child.ts'
import { dataPlanSchema, proofPlanSchema } from './data-plan.ts'
import { listHere } from './list-backups.ts'
import { judgeBy, markHere, migrateHere, undoHere } from './migrations.ts'
import { placeSchema, WORK_FOLDERS } from './place.ts'
import { verifyHere } from './restore-proof.ts'
import { restoreHere } from './restores.ts'
import { tidyHere } from './tidy.ts'

const migrationWork = {
  access: databaseSchema,
  /** The folder with the migrations of the release. */
  directory: z.string(),
  migrations: z.array(releaseMigrationSchema),
  run: z.string(),
  actor: z.string(),
}

const workSchema = z.discriminatedUnion('work', [
  z.object({ work: z.literal('judge'), access: databaseSchema, migrations: z.array(releaseMigrationSchema) }),
  z.object({ work: z.literal('migrate'), ...migrationWork, phase: migrationPhaseSchema }),
  z.object({
    work: z.literal('undo'),
    ...migrationWork,
    to: z.string().nullable(),
    keep: z.array(z.string()),
    restore: z.array(z.string()),
    askOnly: z.boolean().optional(),
  }),
  z.object({
    work: z.literal('mark'),
    ...migrationWork,
    migration: z.string(),
    as: z.enum(['applied', 'pending']),
    reason: z.string(),
    askOnly: z.boolean().optional(),
  }),
  z.object({
    work: z.literal('backup'),
    data: dataPlanSchema,
    place: placeSchema,
    unlessNewerThan: z.number().optional(),
    unlessEmpty: z.boolean().optional(),
    copyLater: z.boolean().optional(),
  }),
  z.object({ work: z.literal('list'), data: proofPlanSchema, place: placeSchema }),
  z.object({ work: z.literal('tidy'), place: placeSchema, left: z.array(z.enum(WORK_FOLDERS)) }),
  z.object({
    work: z.literal('verify'),
    data: proofPlanSchema,
    place: placeSchema,
    backup: z.string(),
    repository: repositoryChoiceSchema,
    through: throughSchema,
    maxAge: z.number().optional(),
    newestWithin: z.number().optional(),
    restoreWithin: z.number().optional(),
  }),
  z.object({
    work: z.literal('restore'),
    data: dataPlanSchema,
    place: placeSchema,
    backup: z.string(),
    repository: repositoryChoiceSchema,
    target: restoreTargetSchema,
    plan: z.boolean(),
    typed: z.string().optional(),
  }),
])
export type Work = z.infer<typeof workSchema>

/** Does what stands on `input`, which a parent wrote; every outcome is a line of `print`. */
export async function work(
  input: NodeJS.ReadableStream,
  print: (line: ChildLine) => void,
  signal: AbortSignal,
): Promise<void> {
  try {
    const asked = workSchema.parse(JSON.parse(await text(input)))
    print({ type: 'done', value: await doWork(asked, print, signal) })
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown
    print({ type: 'failed', kind: thrown.kind, message: thrown.message })
  }
}

function doWork(asked: Work, print: (line: ChildLine) => void, signal: AbortSignal): Promise<unknown> {
  switch (asked.work) {
    case 'judge':
      return judgeBy(asked.access, asked.migrations)
    case 'migrate':
      return migrateHere(asked, print, signal)
    case 'undo':
      return undoHere(asked, print, signal)
    case 'mark':
      return markHere(asked, signal)
    case 'backup':
      return backUpHere(asked, print, signal)
    case 'list':
      return listHere(asked, signal)
    case 'tidy':
      return tidyHere(asked.place, asked.left)
    case 'verify':
      return verifyHere(asked, print, signal)
    case 'restore':
      return restoreHere(asked, print, signal)
  }
}
