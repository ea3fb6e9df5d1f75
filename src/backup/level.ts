import { z } from 'zod'
import { Failure, messageOf } from '../lib/index.ts'

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

export const levelSchema = z.object({
  level: z.enum(['L0', 'L1', 'L2', 'L3', 'L4', 'L5', 'L6']),
  outcome: z.enum(['passed', 'failed', 'skipped']),
  /** How many things were compared. */
  checked: z.int().nonnegative(),
  /** What is wrong, a line each; for a skipped level why. */
  findings: z.array(z.string()),
  seconds: z.number().nonnegative(),
})
export type LevelResult = z.infer<typeof levelSchema>

/** What a level looked at and what it found wrong. */
export interface Findings {
  checked: number
  findings: string[]
}

/** Runs one level and takes the time. What it throws is a finding, but for an abort and for a repository that is locked. */
export async function runLevel(
  level: LevelName,
  signal: AbortSignal,
  check: () => Promise<Findings> | Findings,
): Promise<LevelResult> {
  const started = performance.now()
  const seconds = () => (performance.now() - started) / 1000
  try {
    signal.throwIfAborted()
    const { checked, findings } = await check()
    return { level, outcome: findings.length === 0 ? 'passed' : 'failed', checked, findings, seconds: seconds() }
  } catch (thrown) {
    if (signal.aborted) throw signal.reason
    // Somebody else is at work there, which says nothing about the backup.
    if (thrown instanceof Failure && thrown.kind === 'locked') throw thrown
    return { level, outcome: 'failed', checked: 0, findings: [messageOf(thrown)], seconds: seconds() }
  }
}

export function skipLevel(level: LevelName, why: string): LevelResult {
  return { level, outcome: 'skipped', checked: 0, findings: [why], seconds: 0 }
}

/** Joins what several checks of one level found. */
export function joinFindings(all: readonly Findings[]): Findings {
  return {
    checked: all.reduce((sum, { checked }) => sum + checked, 0),
    findings: all.flatMap(({ findings }) => findings),
  }
}
