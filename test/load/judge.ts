// What a run of load says: pure, so that it can be judged without one.

/** How near a container came to what it may have, 0 to 1. */
export interface Saturation {
  container: string
  processor: number
  memory: number
  /** Bytes. */
  bytes: number
}

export interface Measured {
  connections: number
  seconds: number
  sent: number
  failed: number
  /** How often each failure came, by its words. */
  failures: Readonly<Record<string, number>>
  /** Milliseconds. */
  p50: number
  p99: number
  /** The highest that each container had. */
  saturation: readonly Saturation[]
  /** Containers that the kernel ended for want of memory, or that started again. */
  broken: readonly string[]
}

/** Of all requests, how many may fail for a step to hold. */
const FEW = 0.001
/** Milliseconds within which 99 of 100 answers must come. */
const SLOW = 2000
/** Of what a container may have, how much is as good as all. */
const FULL = 0.9
/** How much more memory after an endurance run is no ordinary warming up. */
const GROWTH = 1.5

/** Why a step did not hold; empty when it did. */
export function faultsOf({ sent, failed, failures, p99, broken }: Measured): string[] {
  const faults = broken.map((container) => `${container} was ended or started again`)
  if (sent === 0) faults.push('nothing was sent')
  if (failed > sent * FEW) {
    const words = Object.entries(failures).toSorted(([, a], [, b]) => b - a)
    faults.push(
      `${failed} of ${sent} failed: ${words
        .slice(0, 3)
        .map(([why, count]) => `${count} × ${why}`)
        .join(', ')}`,
    )
  }
  if (p99 > SLOW) faults.push(`99 % of the answers came within ${Math.round(p99)} ms only`)
  return faults
}

/** What was nearest to its limit; what the machine itself lacks, where no container had all of its own. */
export function firstToGive(measured: readonly Measured[]): string {
  const all = measured.flatMap(({ saturation }) => saturation)
  const uses = all.flatMap(({ container, processor, memory }) => [
    { container, what: 'processors', share: processor },
    { container, what: 'memory', share: memory },
  ])
  const [most] = uses.toSorted((a, b) => b.share - a.share)
  if (most === undefined) return 'unknown: nothing was seen of the containers'
  const said = `${most.container} used ${Math.round(most.share * 100)} % of the ${most.what} that it may have`
  return most.share >= FULL ? said : `no container's own limit (${said}): the machine, which also made the load`
}

/** Containers whose memory grew from the second step to the last of the same load, as a leak lets it. */
export function grownOf(measured: readonly Measured[]): string[] {
  const [first, last] = [measured[1] ?? measured[0], measured.at(-1)]
  if (first === undefined || last === undefined || first === last) return []
  if (first.connections !== last.connections) return []
  return last.saturation.flatMap(({ container, bytes }) => {
    const before = first.saturation.find((one) => one.container === container)?.bytes ?? bytes
    return bytes > before * GROWTH ? [`${container}: ${mib(before)} at first, ${mib(bytes)} at the end`] : []
  })
}

export function quantile(figures: readonly number[], share: number): number {
  const sorted = figures.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}

export function mib(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MiB`
}
