// What a person sees of a workflow while act runs it: the actions' steps and what the agent says, none of act's own noise.
import type { Progress } from '../lab/index.ts'

/** How a line of a job is shown: by itself, as the latest detail of the running stage, or not at all. */
export type Shown = { as: 'line' | 'detail'; text: string } | null

/** @param line `<job>: <message>`, as the user repository hands it on */
export function shownOf(line: string): Shown {
  const [, job = '', message = ''] = /^([^:]*): (.*)$/s.exec(line) ?? []
  const where = placeOf(job)
  const [, action] = /^⭐ Run Main (.+)$/.exec(message) ?? []
  if (action !== undefined && action !== 'Check out') return { as: 'line', text: `${where}${action}` }
  const [, said] = /^│ (.+)$/.exec(message) ?? []
  if (said === undefined) return null
  // BuildKit says hundreds of lines; a server says one for each step, and "…" while it goes on.
  const detail = said.includes('…') || job.includes('Build')
  return { as: detail ? 'detail' : 'line', text: `${where}${said}` }
}

/** Hands lines of jobs on to `progress` and the running stage's `detail`. */
export function narrate(progress: Progress, detail: (text: string) => void): (line: string) => void {
  return (line) => {
    const shown = shownOf(line)
    if (shown?.as === 'line') progress.line(`  ${shown.text}`)
    if (shown !== null) detail(shown.text)
  }
}

/** `Release/Staging/Deploy to an environment/Deploy` happens at `staging`. */
function placeOf(job: string): string {
  const [, name] = /\b(staging|production)\b/i.exec(job) ?? []
  return name === undefined ? '' : `${name.toLowerCase()}: `
}
