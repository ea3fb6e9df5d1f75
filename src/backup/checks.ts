import { randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { z } from 'zod'
import { Failure, formatDuration, tryRun } from '../lib/index.ts'
import { answerSchema, type CheckQuestion } from './check.ts'
import type { Contents } from './contents.ts'
import type { DatabaseAddress } from './database.ts'
import { type Findings, joinFindings } from './level.ts'

/** The checks of a stack, and how they are run. */
export interface Checks {
  /** Folder of `*.check.js`. */
  folder: string
  /** Program and arguments of a process that does nothing but answer by `answerCheck`. */
  program: readonly [string, ...string[]]
  /** How long one check of what a backup holds may take, in milliseconds. */
  within(contents: Contents): number
}

const ENDING = '.check.js'
/** What is kept of the findings of one check. */
const MAX_FINDINGS = 100
const MAX_LENGTH = 300

/**
 * L5: asks every `*.check.js` of a folder, each in a process of its own that knows the restored database and no other. One
 * that throws, ends without an answer, answers with something else or takes too long has failed; what it prints is dropped.
 */
export async function runChecks(
  checks: Checks,
  restored: { address: DatabaseAddress; database: string; contents: Contents },
  signal: AbortSignal,
): Promise<Findings> {
  const files = (await readdir(checks.folder)).filter((name) => name.endsWith(ENDING)).sort()
  const all: Findings[] = []
  for (const name of files) {
    const found = await askCheck(checks, { ...restored, check: join(checks.folder, name) }, signal)
    const shown = found.slice(0, MAX_FINDINGS).map((line) => `${name}: ${shortened(line)}`)
    const more = found.length - shown.length
    all.push({ checked: 1, findings: more > 0 ? [...shown, `${name}: and ${more} more`] : shown })
  }
  return joinFindings(all)
}

function shortened(line: string): string {
  const one = line.trim().replaceAll(/\s+/g, ' ')
  return one.length > MAX_LENGTH ? `${one.slice(0, MAX_LENGTH)}…` : one
}

function readAnswer(line: string): z.infer<typeof answerSchema> | null {
  try {
    return answerSchema.parse(JSON.parse(line))
  } catch {
    return null
  }
}

/** @returns what one check found wrong, and what is wrong with the check */
async function askCheck(
  checks: Checks,
  question: Omit<CheckQuestion, 'token'>,
  signal: AbortSignal,
): Promise<string[]> {
  // Only an answer with this word is ours: a check may print what it likes.
  const token = randomBytes(16).toString('hex')
  const [file, ...args] = checks.program
  const within = checks.within(question.contents)
  let answer: z.infer<typeof answerSchema> | null = null
  try {
    const { code } = await tryRun(file, args, {
      env: {},
      input: JSON.stringify({ ...question, token }),
      timeout: within,
      signal,
      onLine: (line) => {
        if (line.includes(token)) answer = readAnswer(line)
      },
    })
    return judge(answer, code)
  } catch (thrown) {
    signal.throwIfAborted()
    if (!(thrown instanceof Failure)) throw thrown
    return [/took longer/.test(thrown.message) ? `did not end within ${formatDuration(within)}` : thrown.message]
  }
}

function judge(answer: z.infer<typeof answerSchema> | null, code: number): string[] {
  if (answer === null) return [`ended with ${code} and gave no answer`]
  return 'fault' in answer ? [answer.fault] : answer.found.map((line) => `${answer.title}: ${line}`)
}
