import { z } from 'zod/mini'
import { ask } from './request.ts'

const release = z.object({ version: z.string(), commit: z.string(), instance: z.string() })
const upOrDown = z.enum(['up', 'down'])
const health = z.object({ dependencies: z.object({ mongodb: upOrDown, redis: upOrDown, orthanc: upOrDown }) })

export type Release = z.infer<typeof release>
export type Dependencies = z.infer<typeof health>['dependencies']

/** Which release of the API answers. */
export function readRelease(signal: AbortSignal): Promise<Release> {
  return ask(release, '/api/version', { signal })
}

/** What the API can reach: it answers with 503 when that is not everything. */
export async function readDependencies(signal: AbortSignal): Promise<Dependencies> {
  const response = await fetch('/api/health', { signal })
  const parsed = health.safeParse(await response.json())
  if (!parsed.success) throw new Error(`the server answered ${response.status}`)
  return parsed.data.dependencies
}
