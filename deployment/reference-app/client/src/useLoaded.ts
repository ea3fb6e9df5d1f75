import { useEffect, useState } from 'react'

export type Loaded<T> = { state: 'loading' } | { state: 'failed'; message: string } | { state: 'done'; value: T }

/**
 * Loads with `load` when shown, whenever `load` changes, and again in every `turn`, in which what was loaded stays until the answer
 * is there. An answer that is no longer wanted is dropped.
 */
export function useLoaded<T>(load: (signal: AbortSignal) => Promise<T>, turn = 0): Loaded<T> {
  const [last, setLast] = useState<{ load: unknown; loaded: Loaded<T> }>()
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new turn is a reason to load again
  useEffect(() => {
    const abort = new AbortController()
    const keep = (loaded: Loaded<T>) => {
      if (!abort.signal.aborted) setLast({ load, loaded })
    }
    load(abort.signal).then(
      (value) => keep({ state: 'done', value }),
      (error: unknown) => keep({ state: 'failed', message: error instanceof Error ? error.message : String(error) }),
    )
    return () => abort.abort()
  }, [load, turn])
  return last?.load === load ? last.loaded : { state: 'loading' }
}
