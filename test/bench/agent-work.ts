import { join } from 'node:path'
import { z } from 'zod'
import { CHILD_ENVIRONMENT, heapLimits, type Work } from '../../src/agent/data/child.ts'
import { repositoryRoot } from '../site/server.ts'
import { type Ran, runNode } from './child.ts'

const AGENT = join(repositoryRoot, 'dist/agent/index.js')

const lastLineSchema = z.object({ type: z.literal('done'), value: z.unknown() })

/**
 * Has the shipped agent do `work` in a child, as it does itself.
 * @returns what the process cost and what its last line holds. @throws Error with what it said when it failed
 */
export async function agentWork(work: Work): Promise<Ran & { value: unknown }> {
  const ran = await runNode([...heapLimits(work), AGENT, 'work'], {
    input: JSON.stringify(work),
    env: CHILD_ENVIRONMENT,
  })
  const last: unknown = JSON.parse(ran.stdout.trimEnd().split('\n').at(-1) ?? '')
  const done = lastLineSchema.safeParse(last)
  if (!done.success) throw new Error(`the agent's work failed: ${ran.stdout.slice(-500)}`)
  return { ...ran, value: done.data.value }
}
