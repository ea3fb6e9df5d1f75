import { z } from 'zod'
import { probe } from '../probe.ts'
import type { Listed } from './containers.ts'

/** What the engine counts of a container that runs. */
export interface ContainerFigures {
  service: string
  name: string
  /** Bytes; without pages of files that can be dropped, as `docker stats` counts. Null where the engine does not tell. */
  memory: number | null
  memoryLimit: number | null
  /** Seconds of processor time since it started. */
  cpu: number
  processes: number | null
  /** How often its restart policy started it again. */
  restarts: number
  /** Unix time in seconds. */
  started: number
}

const detailsSchema = z.object({
  RestartCount: z.number(),
  State: z.object({ StartedAt: z.iso.datetime({ offset: true }) }),
})
const statsSchema = z.object({
  cpu_stats: z.object({ cpu_usage: z.object({ total_usage: z.number() }) }),
  memory_stats: z.object({
    usage: z.number().optional(),
    limit: z.number().optional(),
    /** Control groups 1 have both, where the first counts no group within. */
    stats: z.object({ inactive_file: z.number().optional(), total_inactive_file: z.number().optional() }).default({}),
  }),
  pids_stats: z.object({ current: z.number().optional() }).default({}),
})

/**
 * Figures of the `containers` that run, for Prometheus: asked of the engine here, so that no container needs its socket, which is root.
 * One that ends meanwhile, or of which the engine tells nothing within `timeout` milliseconds, is left out.
 */
export async function containerFigures(
  socketPath: string,
  containers: readonly Listed[],
  timeout: number,
): Promise<ContainerFigures[]> {
  const ask = async (path: string) => {
    const answer = await probe(`http://engine/containers/${path}`, { at: { socketPath }, timeout })
    return answer.ok && answer.status === 200 ? parse(answer.body) : undefined
  }
  const figures = await Promise.all(
    containers
      .filter(({ state }) => state === 'running')
      .map(async ({ id, service, name }) => {
        const [details, stats] = await Promise.all([
          ask(`${id}/json`).then((value) => detailsSchema.safeParse(value)),
          ask(`${id}/stats?stream=false&one-shot=true`).then((value) => statsSchema.safeParse(value)),
        ])
        if (!details.success || !stats.success) return []
        const { cpu_stats, memory_stats, pids_stats } = stats.data
        const { usage, limit = null, stats: pages } = memory_stats
        const reclaimable = pages.total_inactive_file ?? pages.inactive_file ?? 0
        return [
          {
            service,
            name,
            memory: usage === undefined ? null : Math.max(0, usage - reclaimable),
            memoryLimit: limit,
            cpu: cpu_stats.cpu_usage.total_usage / 1e9,
            processes: pids_stats.current ?? null,
            restarts: details.data.RestartCount,
            started: Date.parse(details.data.State.StartedAt) / 1000,
          },
        ]
      }),
  )
  return figures.flat()
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
