// What a stage showed, and what had been expected of it.
import type { Tally } from './tally.ts'

/** What one server showed in a stage. */
export interface Sight {
  server: string
  outcome: string
  tally?: Tally
}

export interface Scene {
  sights: readonly Sight[]
  /** Each expectation that was not met, in words; none: the stage is as it should be. */
  unmet: readonly string[]
}

/** Collects what was not as expected, so that a person sees all of it. */
export class Expectations {
  readonly unmet: string[] = []

  that(holds: boolean, otherwise: string): void {
    if (!holds) this.unmet.push(otherwise)
  }
}
