import { existsSync } from 'node:fs'
import { z } from 'zod'
import { parsedJson } from '../../lib/index.ts'
import type { Finding } from '../gate.ts'
import { probe } from '../probe.ts'

const statusSchema = z.object({
  phase: z.string(),
  transaction: z.object({ id: z.string(), kind: z.string() }).nullable(),
  serving: z.object({ instance: z.string(), release: z.string() }).nullable(),
  candidate: z.object({ instance: z.string() }).nullable(),
  warm: z.object({ instance: z.string() }).nullable(),
  last: z.object({ transaction: z.string(), result: z.object({ outcome: z.string() }) }).nullable(),
  /** An older agent does not say it. */
  failed: z.object({ transaction: z.string() }).nullish(),
})

/** What the agent of this server says that serves. */
export interface AgentWord {
  finding: Finding
  /** What serves; null when nothing does or nobody says. */
  serving: { release: string; instance: string } | null
  /** The instances that users may meet: what serves and, once traffic is switched to it, what a deploy watches. */
  public: readonly string[]
}

/** Asks the agent at `socketPath`; null where there is none on this machine. */
export async function askAgent(socketPath: string, timeout: number): Promise<AgentWord | null> {
  if (!existsSync(socketPath)) return null
  const answer = await probe('http://agent/v1/status', { at: { socketPath }, timeout })
  const bad = (detail: string) => ({ finding: { ok: false, detail }, serving: null, public: [] })
  if (!answer.ok) return bad(answer.error)
  const parsed = answer.status === 200 ? statusSchema.safeParse(parsedJson(answer.body)) : null
  if (!parsed?.success) return bad(`status ${answer.status}, and no word of a state`)
  const { phase, transaction, serving, candidate, last, failed } = parsed.data
  const met = [serving, phase === 'switched' ? candidate : null].flatMap((one) => one?.instance ?? [])
  const open = failed ?? (last?.result.outcome === 'failed' ? last : null)
  if (open) {
    const detail = `${open.transaction} failed: neither done nor undone in full (pacs-agent status)`
    return { finding: { ok: true, degraded: true, detail }, serving, public: met }
  }
  const busy = transaction ? `, ${transaction.kind} ${transaction.id} runs (${phase})` : ''
  return {
    finding: { ok: true, detail: `${serving ? serving.release : 'nothing'} serves${busy}` },
    serving,
    public: met,
  }
}
