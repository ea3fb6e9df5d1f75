import { setTimeout as delay } from 'node:timers/promises'
import { Failure, formatDuration, messageOf } from '../lib/index.ts'

/** What one look showed. */
export interface Finding {
  ok: boolean
  /** It works, but not as it should: a certificate that ends soon, a disk that fills up. */
  degraded?: boolean
  /** What was seen, good or bad. */
  detail: string
}

/** One thing that must be well. A check that throws or stays silent has found nothing good. */
export interface Check {
  name: string
  look(signal: AbortSignal): Promise<Finding>
}

/** How one look is bounded. */
export interface LookOptions {
  /** Milliseconds until a check that has not answered counts as bad. */
  patience: number
  signal?: AbortSignal
}

export interface GateOptions extends LookOptions {
  /** Rounds in a row in which every check must be good. */
  consecutive: number
  /** Milliseconds within which that must be. */
  within: number
  /** Milliseconds between rounds. */
  interval: number
  /** Told what each round showed. */
  onRound?: (findings: readonly NamedFinding[], good: number) => void
}

export interface NamedFinding extends Finding {
  name: string
}

/**
 * Looks until every check was good `consecutive` times in a row.
 * @returns the findings of the last round.
 * @throws Failure `unhealthy` that names what was bad last; also when there is nothing to look at, since silence is not health.
 */
export async function gate(checks: readonly Check[], options: GateOptions): Promise<NamedFinding[]> {
  const { consecutive, within, interval, onRound, signal } = options
  if (checks.length === 0) throw new Failure('unhealthy', 'there is nothing to check: no evidence is no health')
  const started = performance.now()
  let good = 0
  for (;;) {
    signal?.throwIfAborted()
    const findings = await Promise.all(checks.map((check) => lookOnce(check, options)))
    good = findings.every((finding) => finding.ok) ? good + 1 : 0
    onRound?.(findings, good)
    if (good >= consecutive) return findings
    if (performance.now() - started + interval > within) throw unhealthy(findings, good, options)
    await delay(interval, undefined, signal ? { signal } : {})
  }
}

/** Looks once. Whatever the check does, there is a finding within `patience`. */
export async function lookOnce(check: Check, { patience, signal }: LookOptions): Promise<NamedFinding> {
  const late = AbortSignal.timeout(patience)
  const stop = signal ? AbortSignal.any([late, signal]) : late
  const silence = new Promise<Finding>((resolve) => {
    stop.addEventListener('abort', () => resolve({ ok: false, detail: `no answer within ${patience} ms` }), {
      once: true,
    })
  })
  const look = check.look(stop).catch((thrown: unknown) => ({ ok: false, detail: messageOf(thrown) }))
  return { name: check.name, ...(await Promise.race([look, silence])) }
}

function unhealthy(findings: readonly NamedFinding[], good: number, { consecutive, within }: GateOptions): Failure {
  const bad = findings.filter((finding) => !finding.ok).map(({ name, detail }) => `${name}: ${detail}`)
  const what = bad.length > 0 ? bad.join('; ') : `good only ${good} times in a row`
  return new Failure('unhealthy', `not well ${consecutive} times in a row within ${formatDuration(within)}: ${what}`)
}
