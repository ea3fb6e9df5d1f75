import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Db } from 'mongodb'
import { z } from 'zod'
import { Failure, formatDuration, messageOf } from '../lib/index.ts'
import type { Contents } from './contents.ts'
import { type Findings, joinFindings } from './level.ts'

/** What a check is given: the restored database, where its user may do anything, and what the backup says it holds. */
export interface CheckContext {
  db: Db
  contents: Contents
  signal: AbortSignal
}

/** The default export of a `*.check.js`: the application's own question to restored data. */
export interface BackupCheck {
  /** What holds when it finds nothing: `every signature names a report`. */
  title: string
  /** What is wrong, a line each, without patient data; empty when it holds. */
  check(context: CheckContext): Promise<string[]>
}

const checkSchema = z.object({
  title: z.string().min(1),
  check: z.custom<BackupCheck['check']>((value) => typeof value === 'function', 'must be a function'),
})
const findingsSchema = z.array(z.string())

/** How long one check may take: 5 min. */
const CHECK_LIMIT = 300_000
const ENDING = '.check.js'

/** L5: asks every `*.check.js` of a folder. One that throws, answers with something else or takes longer than 5 min has failed. */
export async function runChecks(folder: string, context: CheckContext): Promise<Findings> {
  const files = (await readdir(folder)).filter((name) => name.endsWith(ENDING)).sort()
  const all: Findings[] = []
  for (const name of files) all.push(await runCheck(name, join(folder, name), context))
  return joinFindings(all)
}

async function runCheck(name: string, path: string, context: CheckContext): Promise<Findings> {
  try {
    const loaded: { default?: unknown } = await import(/* webpackIgnore: true */ pathToFileURL(path).href)
    const { title, check } = checkSchema.parse(loaded.default)
    const found = findingsSchema.parse(await withinLimit(check(context)))
    return { checked: 1, findings: found.map((line) => `${title}: ${line}`) }
  } catch (thrown) {
    context.signal.throwIfAborted()
    const why = thrown instanceof z.ZodError ? z.prettifyError(thrown).replaceAll('\n', ' ') : messageOf(thrown)
    return { checked: 1, findings: [`${name}: ${why}`] }
  }
}

async function withinLimit<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<never>((_, reject) => {
    const late = new Failure('error', `took longer than ${formatDuration(CHECK_LIMIT)}`)
    timer = setTimeout(() => reject(late), CHECK_LIMIT)
  })
  try {
    return await Promise.race([work, limit])
  } finally {
    clearTimeout(timer)
  }
}
