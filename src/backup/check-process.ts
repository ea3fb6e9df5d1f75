// The other side of checks.ts: one check in a process of its own.
import { text } from 'node:stream/consumers'
import { pathToFileURL } from 'node:url'
import { MongoServerError } from 'mongodb'
import { z } from 'zod'
import { messageOf } from '../lib/index.ts'
import { type BackupCheck, questionSchema } from './check.ts'
import { clientFor } from './database.ts'

const checkSchema = z.object({
  title: z.string().min(1),
  check: z.custom<BackupCheck['check']>((value) => typeof value === 'function', 'must be a function'),
})
const foundSchema = z.array(z.string(), 'must answer with a list of lines')

/**
 * Reads a question from `input`, asks its check, and prints the answer as one line. The caller ends the process afterwards: a
 * check may leave timers behind.
 * @param print resolves when the line is written
 */
export async function answerCheck(input: NodeJS.ReadableStream, print: (line: string) => Promise<void>): Promise<void> {
  const { check: path, address, database, contents, token } = questionSchema.parse(JSON.parse(await text(input)))
  const client = clientFor(address)
  try {
    const loaded: { default?: unknown } = await import(/* webpackIgnore: true */ pathToFileURL(path).href)
    const { title, check } = checkSchema.parse(loaded.default)
    const found = foundSchema.parse(await check({ db: client.db(database), contents }))
    await print(JSON.stringify({ token, title, found }))
  } catch (thrown) {
    await print(JSON.stringify({ token, fault: faultOf(thrown) }))
  }
}

function faultOf(thrown: unknown): string {
  if (thrown instanceof z.ZodError) return z.prettifyError(thrown)
  // A server's message carries values of documents.
  if (thrown instanceof MongoServerError) return `the database answered with code ${thrown.code}`
  return messageOf(thrown)
}
