/** Writes under way at once: a server works on one of them in one thread. */
export const LANES = 2
/** Fewer are not worth a second connection. */
const WORTH = 100

/**
 * Sends the parts of one unordered write side by side.
 * @returns the answers of all; waits for every part also when one fails, so that nothing of it goes on afterwards.
 */
export async function inLanes<T, R>(all: readonly T[], send: (some: readonly T[]) => Promise<R>): Promise<R[]> {
  const lanes = all.length < WORTH * LANES ? 1 : LANES
  const size = Math.ceil(all.length / lanes)
  const parts = Array.from({ length: lanes }, (_, lane) => send(all.slice(lane * size, (lane + 1) * size)))
  await Promise.allSettled(parts)
  return Promise.all(parts)
}

/**
 * Has at most `most` works run at once, in the order in which they came: each more would open a connection of its own, whose login costs
 * a server as much as the work.
 */
export function atMost(most: number): <R>(work: () => Promise<R>) => Promise<R> {
  let running = 0
  const waiting: (() => void)[] = []
  return async (work) => {
    if (running === most) await new Promise<void>((resolve) => waiting.push(resolve))
    else running += 1
    try {
      return await work()
    } finally {
      // The place goes to who waits, so that nobody comes between.
      const next = waiting.shift()
      if (next === undefined) running -= 1
      else next()
    }
  }
}
