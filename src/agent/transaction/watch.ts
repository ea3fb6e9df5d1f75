import { Failure, formatDuration } from '../../lib/index.ts'
import type { Requests } from '../server/edge.ts'
import { faultOf } from '../server/probe.ts'
import type { Instance } from './state.ts'
import type { Run, World } from './world.ts'

const LOOK_EVERY = 250
const PROBE_EVERY = 1000
/** Own probes that must fail in a row before a release is bad. */
const FAILURES = 3
const WINDOW = 5000
const FEWEST_REQUESTS = 20
const WORST_SHARE = 0.05

export interface WatchLimits {
  /** Milliseconds for which the new release must hold. */
  watch: number
  /** Milliseconds for which a trouble of both releases is waited out. */
  hold: number
}

/**
 * Watches the new release behind the public entry, with the old one beside it. New bad and old good is the release's fault; both
 * bad is a dependency's, which is waited out for `hold`.
 * @throws Failure `unhealthy` with the evidence.
 */
export async function watch(
  fresh: Instance,
  old: Instance | null,
  limits: WatchLimits,
  run: Run,
  world: World,
): Promise<void> {
  const started = world.now()
  const probes = { fresh: new ProbeCount(fresh, world), old: old ? new ProbeCount(old, world) : null }
  const share = new ErrorShare(fresh)
  let probed = Number.NEGATIVE_INFINITY
  let heldSince: number | null = null
  let said = started
  for (;;) {
    run.signal.throwIfAborted()
    const now = world.now()
    if (now - probed >= PROBE_EVERY) {
      probed = now
      await Promise.all([probes.fresh.take(), probes.old?.take()])
    }
    share.take(now, await world.edge.requests())
    const bad = probes.fresh.bad ?? share.bad
    if (bad === null) {
      heldSince = null
      if (now - started >= limits.watch) return
    } else if (probes.old === null || probes.old.bad === null) {
      throw new Failure('unhealthy', bad)
    } else {
      heldSince ??= now
      if (now - heldSince >= limits.hold) {
        throw new Failure(
          'unhealthy',
          `${bad}; the old release fails too (${probes.old.bad}), for ${formatDuration(limits.hold)}`,
        )
      }
    }
    if (now - said >= 5000) {
      said = now
      const state = heldSince === null ? '' : ', both releases fail: waiting for what they depend on'
      await run.report.progress(`${formatDuration(now - started)} of ${formatDuration(limits.watch)}${state}`)
    }
    await world.sleep(LOOK_EVERY, run.signal)
  }
}

/** Counts failed own probes in a row, per container. */
class ProbeCount {
  readonly #instance: Instance
  readonly #world: World
  readonly #failures = new Map<string, number>()
  #bad: string | null = null

  constructor(instance: Instance, world: World) {
    this.#instance = instance
    this.#world = world
  }

  get bad(): string | null {
    return this.#bad
  }

  async take(): Promise<void> {
    const services = this.#instance.services.flatMap((service) => service.containers.map((name) => ({ name, service })))
    const containers = await this.#world.engine.containers({ names: services.map(({ name }) => name) })
    const faults = await Promise.all(
      services.map(async ({ name, service }) => {
        const container = containers.find((one) => one.name === name)
        if (!container?.running || container.address === null) return `${service.name} does not run`
        const fault = faultOf(await this.#world.probe(container.address, service.port, service.ready))
        return fault === null ? null : `${service.name}${service.ready}: ${fault}`
      }),
    )
    this.#bad = null
    services.forEach(({ name }, index) => {
      const fault = faults[index] ?? null
      const failures = fault === null ? 0 : (this.#failures.get(name) ?? 0) + 1
      this.#failures.set(name, failures)
      if (failures >= FAILURES) this.#bad = `${fault} (${failures} probes in a row)`
    })
  }
}

/** The share of 5xx answers of an instance in the last 5 s, from Traefik's counters. */
class ErrorShare {
  readonly #services: string[]
  readonly #samples: { at: number; sum: Requests }[] = []
  #last: Requests = { total: 0, errors: 0 }
  #silentSince: number | null = null
  #bad: string | null = null

  constructor(instance: Instance) {
    this.#services = instance.services.map((service) => `${service.name}-${instance.i8}`)
  }

  get bad(): string | null {
    return this.#bad
  }

  take(now: number, counters: ReadonlyMap<string, Requests> | null): void {
    if (counters === null) {
      this.#silentSince ??= now
      this.#bad =
        now - this.#silentSince >= FAILURES * PROBE_EVERY ? 'Traefik does not answer: no evidence of health' : null
      return
    }
    this.#silentSince = null
    const sum = this.#services.reduce(
      (all, name) => ({
        total: all.total + (counters.get(name)?.total ?? 0),
        errors: all.errors + (counters.get(name)?.errors ?? 0),
      }),
      { total: 0, errors: 0 },
    )
    // A smaller value means that Traefik started anew and counts from zero.
    if (sum.total < this.#last.total) this.#samples.length = 0
    this.#last = sum
    this.#samples.push({ at: now, sum })
    while ((this.#samples[0]?.at ?? now) < now - WINDOW) this.#samples.shift()
    const first = this.#samples[0]?.sum ?? sum
    const total = sum.total - first.total
    const errors = sum.errors - first.errors
    this.#bad =
      total >= FEWEST_REQUESTS && errors / total >= WORST_SHARE
        ? `${errors} of ${total} requests answered with a 5xx within ${WINDOW / 1000} s`
        : null
  }
}
