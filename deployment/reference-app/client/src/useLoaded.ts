import { useEffect, useState } from 'react'

export type Loaded<T> = { state: 'loading' } | { state: 'failed'; message: string } | { state: 'done'; value: T }

/** Loads with `load` when shown and whenever `load` changes; an answer that is no longer wanted is dropped. */
export function useLoaded<T>(load: (signal: AbortSignal) => Promise<T>): Loaded<T> {
  const [loaded, setLoaded] = useState<Loaded<T>>({ state: 'loading' })
  useEffect(() => {
    const abort = new AbortController()
    setLoaded({ state: 'loading' })
    load(abort.signal).then(
      (value) => {
        if (!abort.signal.aborted) setLoaded({ state: 'done', value })
      },
      (error: unknown) => {
        if (!abort.signal.aborted)
          setLoaded({ state: 'failed', message: error instanceof Error ? error.message : String(error) })
      },
    )
    return () => abort.abort()
  }, [load])
  return loaded
}
