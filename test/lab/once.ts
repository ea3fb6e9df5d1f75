/** Wraps `work` so that calls with the same key share one run as long as it lasts. */
export function onceAtATime<Args extends unknown[], T>(
  key: (...args: Args) => string,
  work: (...args: Args) => Promise<T>,
): (...args: Args) => Promise<T> {
  const running = new Map<string, Promise<T>>()
  return (...args) => {
    const name = key(...args)
    const found = running.get(name)
    if (found !== undefined) return found
    const started = work(...args).finally(() => running.delete(name))
    running.set(name, started)
    return started
  }
}
