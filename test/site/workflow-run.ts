// What a run of a workflow was, read from the lines that act prints with --json.
import { z } from 'zod'

export interface WorkflowRun {
  /** Whether every job that ran ended well. */
  green: boolean
  /** Names of the jobs that ran: act skips what it does not know, with exit code 0. */
  jobs: readonly string[]
  /** Outputs of steps: `<job>/<step>` → name → value. */
  outputs: ReadonlyMap<string, Readonly<Record<string, string>>>
  /** Job summaries, in order. */
  summaries: readonly string[]
  /** Everything that the jobs' log holds; masks are commands, which GitHub does not print. */
  printed: string
}

const lineSchema = z.object({
  msg: z.string().optional(),
  job: z.string().optional(),
  jobID: z.string().optional(),
  stepID: z.array(z.string()).optional(),
  command: z.string().optional(),
  name: z.string().optional(),
  arg: z.string().optional(),
  content: z.string().optional(),
})

/** A line as people read it, `<job>: <message>`; null when it says nothing. */
export function messageIn(line: string): string | null {
  try {
    const parsed = lineSchema.parse(JSON.parse(line))
    return parsed.msg?.trim() ? `${parsed.job ?? ''}: ${parsed.msg.trim()}` : null
  } catch {
    return line
  }
}

/** @param code act's exit code */
export function readRun(code: number, lines: readonly string[]): WorkflowRun {
  const jobs = new Set<string>()
  const printed: string[] = []
  const outputs = new Map<string, Record<string, string>>()
  const summaries: string[] = []
  for (const line of lines) {
    let entry: z.infer<typeof lineSchema>
    try {
      entry = lineSchema.parse(JSON.parse(line))
    } catch {
      printed.push(line)
      continue
    }
    if (entry.command !== 'add-mask') printed.push(entry.msg?.trimEnd() ?? line)
    // act pads names so that lines stand in columns.
    if (entry.jobID) jobs.add((entry.job ?? entry.jobID).trim())
    if (entry.command === 'summary' && entry.content) summaries.push(entry.content)
    if (entry.command === 'set-output' && entry.name) {
      const key = `${entry.jobID}/${entry.stepID?.join('.')}`
      outputs.set(key, { ...outputs.get(key), [entry.name]: entry.arg ?? '' })
    }
  }
  return { green: code === 0, jobs: [...jobs], outputs, summaries, printed: printed.join('\n') }
}
