import { run } from '../../src/lib/index.ts'
import { repositoryRoot } from './server.ts'

/** Numbers in [0, 1) that are the same for the same seed (mulberry32). */
export function random(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A seed that changes with the commit; PACS_TEST_SEED (8 hex digits) repeats an earlier run. */
export async function seedOfCommit(): Promise<string> {
  const given = process.env.PACS_TEST_SEED
  if (given !== undefined) return given
  const commit = await run('git', ['-C', repositoryRoot, 'rev-parse', 'HEAD'], {
    env: { PATH: process.env.PATH ?? '' },
  })
  return commit.slice(0, 8)
}
