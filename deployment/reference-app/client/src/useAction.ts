import { useState } from 'react'

export interface Action {
  run: (work: () => Promise<void>) => void
  isRunning: boolean
  problem: string | undefined
}

/** Something that a person starts: one at a time, with what went wrong in words. */
export function useAction(): Action {
  const [isRunning, setRunning] = useState(false)
  const [problem, setProblem] = useState<string>()
  const run = (work: () => Promise<void>) => {
    setRunning(true)
    setProblem(undefined)
    work()
      .catch((error: unknown) => setProblem(error instanceof Error ? error.message : String(error)))
      .finally(() => setRunning(false))
  }
  return { run, isRunning, problem }
}
