import { setTimeout as delay } from 'node:timers/promises'
import type { Lab, Machine, Progress } from '../lab/index.ts'
import { count } from '../site/site.ts'
import { faultsOf, firstToGive, grownOf, type Measured, mib, quantile } from './judge.ts'
import { MOST_REQUESTS, type Profile, type Step } from './profiles.ts'
import { brokenOn, Watch } from './watch.ts'

export interface LoadReport {
  measured: readonly Measured[]
  /** What did not hold, by step. */
  faults: readonly { connections: number; faults: readonly string[] }[]
  /** For a person. */
  text: string
  /** Whether it was as it has to be: a limit that was looked for is none. */
  good: boolean
}

/**
 * Puts the load of `profile` on the public entry of `server`, by connections from this machine's loopback.
 * @param load.images paths of images that each connection looks at
 */
export async function runProfile(
  lab: Lab,
  server: Machine,
  { profile, images }: { profile: Profile; images: readonly string[] },
  progress: Progress,
): Promise<LoadReport> {
  const watch = new Watch(server)
  const measured: Measured[] = []
  let sent = 0
  try {
    for (const step of profile.steps) {
      const one = await progress.step(`${step.connections} connections`, () =>
        measure(lab, server, { step, images }, watch),
      )
      measured.push(one)
      sent += one.sent
      if (sent > MOST_REQUESTS || (profile.findsLimit && faultsOf(one).length > 0)) break
    }
  } finally {
    await watch.stop()
  }
  return report(profile, measured)
}

async function measure(
  lab: Lab,
  server: Machine,
  { step, images }: { step: Step; images: readonly string[] },
  watch: Watch,
): Promise<Measured> {
  const { connections, time, think } = step
  const took: number[] = []
  watch.take()
  const counter = await count(lab, server, { connections, think, images, onGood: (ms) => void took.push(ms) })
  await delay(time)
  const { sent, lost, seconds } = await counter.stop()
  const failures: Record<string, number> = {}
  for (const { why } of lost) failures[why] = (failures[why] ?? 0) + 1
  return {
    ...{ connections, seconds, sent, failed: lost.length, failures },
    ...{ p50: quantile(took, 0.5), p99: quantile(took, 0.99) },
    saturation: watch.take(),
    broken: await brokenOn(server),
  }
}

/** What the figures say. */
export function report({ asks, findsLimit }: Profile, measured: readonly Measured[]): LoadReport {
  const faults = measured
    .map((one) => ({ connections: one.connections, faults: faultsOf(one) }))
    .filter((one) => one.faults.length > 0)
  const grown = grownOf(measured)
  const held = measured.filter((one) => faultsOf(one).length === 0).at(-1)
  const rows = measured.map((one) => [
    String(one.connections),
    String(one.sent),
    (one.sent / one.seconds).toFixed(0),
    String(one.failed),
    one.p50.toFixed(0),
    one.p99.toFixed(0),
    nearest(one),
  ])
  const lines = [
    asks,
    ...table([['connections', 'requests', 'per s', 'failed', 'p50 ms', 'p99 ms', 'nearest to its limit'], ...rows]),
    ...faults.map((one) => `${one.connections} connections: ${one.faults.join('; ')}`),
    ...grown.map((line) => `memory grew: ${line}`),
    findsLimit ? limitOf(measured) : faults.length === 0 && grown.length === 0 ? 'it held' : 'it did not hold',
    `what gives first: ${firstToGive(measured)}`,
  ]
  const good = findsLimit ? held !== undefined : faults.length === 0 && grown.length === 0
  return { measured, faults, text: lines.join('\n'), good }
}

/** Where it stopped to hold, or to do more: with few processors answers come later long before they fail. */
function limitOf(measured: readonly Measured[]): string {
  const rate = ({ sent, seconds }: Measured) => sent / seconds
  const holding = measured.filter((one) => faultsOf(one).length === 0)
  const [last, most] = [holding.at(-1), holding.toSorted((a, b) => rate(b) - rate(a))[0]]
  if (last === undefined || most === undefined) return 'limit found: not even the first step holds'
  return `${last === measured.at(-1) ? 'no step failed' : 'limit found'}: ${last.connections} connections hold; ${rate(most).toFixed(0)} requests per second are the most, with ${most.connections}`
}

function nearest({ saturation }: Measured): string {
  const [most] = saturation.toSorted((a, b) => b.processor - a.processor)
  if (most === undefined) return ''
  return `${most.container}: ${Math.round(most.processor * 100)} % processor, ${mib(most.bytes)}`
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) => row.map((cell, column) => cell.padStart(column < 6 ? (widths[column] ?? 0) : 0)).join('  '))
}
