import { readFile, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { run } from '../../src/lib/index.ts'
import type { Machine } from '../lab/index.ts'
import { answerSchema, type Call } from './protocol.ts'

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const INSIDE = '/srv/pacs-deploy'
/** Where Node keeps there what it compiled: every call loads the same sources. */
const COMPILED = '/srv/pacs-deploy-compiled'

const lockSchema = z.object({
  packages: z.record(z.string(), z.object({ dev: z.boolean().optional(), optional: z.boolean().optional() })),
})

/** Puts the program and what it imports into the lab's runner. */
export async function installProgram(runner: Machine): Promise<void> {
  const lock = lockSchema.parse(JSON.parse(await readFile(join(ROOT, 'package-lock.json'), 'utf8')))
  // GitHub's client, half of all bytes, belongs to the actions.
  const packages = Object.entries(lock.packages).filter(
    ([path, one]) => path !== '' && !one.dev && !one.optional && !/@octokit|@actions/.test(path),
  )
  const archive = `/tmp/pacs-program-${process.pid}.tar`
  const paths = ['package.json', 'src', 'test/images', ...packages.map(([path]) => path)]
  await run('tar', ['-C', ROOT, '-cf', archive, '--files-from=-'], {
    env: { PATH: process.env.PATH ?? '' },
    input: paths.join('\n'),
  })
  await runner.run(['mkdir', '-p', INSIDE])
  try {
    await runner.run(['tar', '-C', INSIDE, '-xf', '-'], { input: await readFile(archive) })
  } finally {
    await rm(archive, { force: true })
  }
}

/** What became of a call, and everything that was said meanwhile. */
export interface Outcome {
  result?: unknown
  failure?: { kind: string; message: string }
  log: string[]
  /** What the registry with faults was asked, as `METHOD /path`. */
  requests: string[]
  /** All output, for finding what must not be in it. */
  output: string
}

/** Runs one use case in the runner, by what `through` names. */
export async function call(
  runner: Machine,
  what: Call,
  env: Readonly<Record<string, string>> = {},
  through: readonly string[] = [],
): Promise<Outcome> {
  const args = [...through, 'node', '--disable-warning=ExperimentalWarning', `${INSIDE}/test/images/program.ts`]
  const { stdout, stderr, code } = await runner.exec(args, {
    input: JSON.stringify(what),
    env: { NODE_COMPILE_CACHE: COMPILED, ...env },
  })
  const outcome: Outcome = { log: [], requests: [], output: `${stdout}\n${stderr}` }
  for (const line of stdout.split('\n').filter(Boolean)) {
    const answer = answerSchema.parse(JSON.parse(line))
    if ('log' in answer) outcome.log.push(answer.log)
    else if ('request' in answer) outcome.requests.push(answer.request)
    else if ('failure' in answer) outcome.failure = answer.failure
    else outcome.result = answer.result
  }
  if (code !== 0) throw new Error(`the program ended with ${code}: ${stderr || stdout}`)
  return outcome
}
