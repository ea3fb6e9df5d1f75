// What an action costs before it does anything: its process, its bundle, its inputs read.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { repositoryRoot } from '../site/server.ts'
import { type Measure, medianOf } from './report.ts'
import { median } from './statistics.ts'

/** Milliseconds that a start may take over an empty Node process. */
const LIMIT = 150

/** Starts every action without its inputs, which ends it at once, and an empty program beside it, in turns. */
export async function benchStart(rounds: number): Promise<Measure[]> {
  const directory = await mkdtemp(join(tmpdir(), 'pacs-start-'))
  try {
    const empty = join(directory, 'empty.mjs')
    await writeFile(empty, '')
    const measures: Measure[] = []
    for (const action of await readdir(join(repositoryRoot, 'actions'))) {
      const program = join(repositoryRoot, 'dist', action, 'index.js')
      const pairs: { bare: number; action: number }[] = []
      for (let round = 0; round <= rounds; round++) {
        const bare = await timed(empty, directory, 0)
        const pair = { bare, action: await timed(program, directory, 1) }
        // The first pair brings the files into the page cache.
        if (round > 0) pairs.push(pair)
      }
      const over = pairs.map((pair) => pair.action - pair.bare)
      measures.push(medianOf(`${action} over an empty process`, 'ms', LIMIT, over))
      measures.push(medianOf(`empty process beside ${action}`, 'ms', null, [median(pairs.map((pair) => pair.bare))]))
    }
    return measures
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

async function timed(program: string, directory: string, expected: 0 | 1): Promise<number> {
  const started = performance.now()
  const child = spawn(process.execPath, [program], {
    env: { PATH: process.env.PATH, HOME: directory, RUNNER_TEMP: directory, GITHUB_WORKSPACE: directory },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const printed = Promise.all([text(child.stdout), text(child.stderr)])
  const [code] = await once(child, 'exit')
  const took = performance.now() - started
  const log = (await printed).join('')
  if (code !== expected || (expected === 1 && !log.includes('::error::'))) {
    throw new Error(`${program} ended with ${code}: ${log}`)
  }
  return took
}
