import { setTimeout as sleep } from 'node:timers/promises'
import { formatDuration, messageOf } from '../../src/lib/index.ts'
import { NotReached } from './errors.ts'

/** Milliseconds between two looks at a condition: at least, and at most where a look itself takes long. */
const INTERVAL = 100
const LONGEST_INTERVAL = 1000

/**
 * Looks at a condition until it holds: `probe` answers `false` or `undefined`, or throws, as long as it does not.
 * Throw from `probe` to say what was seen instead: it becomes the last observation in the error.
 * @param what what is waited for, as it reads after "waited for"
 * @param limit milliseconds
 * @returns the probe's first answer that is neither `false` nor `undefined`.
 * @throws NotReached that names `what`, the limit and the last observation.
 */
export async function waitFor<T>(
  what: string,
  probe: () => T | Promise<T>,
  limit: number,
): Promise<Exclude<T, false | undefined>> {
  const end = performance.now() + limit
  for (;;) {
    let observation: string
    const began = performance.now()
    try {
      const answer = await probe()
      if (holds(answer)) return answer
      observation = String(answer)
    } catch (thrown) {
      observation = messageOf(thrown)
    }
    if (performance.now() >= end) {
      throw new NotReached(`waited ${formatDuration(limit)} for ${what}; last observation: ${observation}`)
    }
    // A look is often a program in a container: what is waited for needs the processor as well.
    await sleep(Math.min(Math.max(INTERVAL, performance.now() - began), LONGEST_INTERVAL))
  }
}

/**
 * Runs a command that pauses a container until it has: a busy kernel does not always freeze one in the time that the
 * engine allows, and then nothing is paused.
 */
export async function freeze(pause: () => Promise<unknown>): Promise<void> {
  await waitFor('the container to be frozen', () => pause().then(() => true), 30_000)
}

function holds<T>(answer: T): answer is Exclude<T, false | undefined> {
  return answer !== false && answer !== undefined
}
