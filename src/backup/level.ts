import { z } from 'zod'
import { Failure, type FailureKind, messageOf } from '../lib/index.ts'

/** What each level proves. */
export const LEVELS = {
  L0: 'exists and is young enough',
  L1: 'every stored byte is whole',
  L2: 'restores, no document refused',
  L3: 'same collections, options, validators, indexes',
  L4: 'same documents, files and keys',
  L5: 'answers the application’s questions',
  L6: 'the time a restore takes',
} as const
export type LevelName = keyof typeof LEVELS
export const levelNameSchema = z.enum(['L0', 'L1', 'L2', 'L3', 'L4', 'L5', 'L6'])

export const levelSchema = z.object({
  level: levelNameSchema,
  outcome: z.enum(['passed', 'failed', 'skipped']),
  /** How many things were compared. */
  checked: z.int().nonnegative(),
  /** How many of them did not come back as they were: documents, files, keys. */
  lost: z.int().nonnegative().default(0),
  /** What is wrong, a line each; for a skipped level why. */
  findings: z.array(z.string()),
  seconds: z.number().nonnegative(),
})
export type LevelResult = z.infer<typeof levelSchema>

/** What a level looked at and what it found wrong. */
export interface Findings {
  checked: number
  /** How many of these did not come back as they were, where that can be counted. */
  lost?: number
  findings: string[]
}

/** Kinds of failures that say something about the backup; any other kept the level from being judged. */
const EVIDENCE: ReadonlySet<FailureKind> = new Set(['unhealthy', 'failed'])

/** Whether what was thrown says nothing about the backup: a full disk, a lock, an engine that is away. */
export function isHindrance(thrown: unknown): boolean {
  return thrown instanceof Failure && !EVIDENCE.has(thrown.kind)
}

/** Runs one level and takes the time. What it throws is a finding, but for an abort and for what kept it from being judged. */
export async function runLevel(
  level: LevelName,
  signal: AbortSignal,
  check: () => Promise<Findings> | Findings,
): Promise<LevelResult> {
  const started = performance.now()
  const seconds = () => (performance.now() - started) / 1000
  try {
    signal.throwIfAborted()
    const { checked, lost = 0, findings } = await check()
    const outcome = findings.length === 0 ? 'passed' : 'failed'
    return { level, outcome, checked, lost, findings, seconds: seconds() }
  } catch (thrown) {
    if (signal.aborted) throw signal.reason
    if (isHindrance(thrown)) throw thrown
    return { level, outcome: 'failed', checked: 0, lost: 0, findings: [messageOf(thrown)], seconds: seconds() }
  }
}

export function skipLevel(level: LevelName, why: string): LevelResult {
  return { level, outcome: 'skipped', checked: 0, lost: 0, findings: [why], seconds: 0 }
}

/** Joins what several checks of one level found. */
export function joinFindings(all: readonly Findings[]): Findings {
  return {
    checked: all.reduce((sum, { checked }) => sum + checked, 0),
    lost: all.reduce((sum, { lost = 0 }) => sum + lost, 0),
    findings: all.flatMap(({ findings }) => findings),
  }
}
