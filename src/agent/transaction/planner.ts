import type { DataPlan } from '../data/data-plan.ts'
import type { ConfigRevision } from '../server/config.ts'
import type { Kept } from '../server/prune.ts'
import type { CoreService } from './core-definition.ts'
import type { Plan, Release } from './world.ts'

/** Turns what was asked into what can run: the only part of the agent that reads releases and stacks. */
export interface Planner {
  /** Pulls, verifies and unpacks a release image, unless that was done before. */
  fetch(reference: string, signal: AbortSignal): Promise<Release>
  /** A release that is here already. */
  open(id: string): Promise<Release>
  /** The configuration as the person at the server left it, sealed as a revision. */
  sealConfig(): Promise<ConfigRevision>
  openConfig(revision: string): Promise<ConfigRevision>
  /** @throws Failure `bad-input` with everything that is wrong with the stack or missing in the configuration. */
  plan(release: Release, config: ConfigRevision): Promise<Plan>
  /** The core services of a release, in the order in which they start. */
  planCore(release: Release, config: ConfigRevision): Promise<CoreService[]>
  /** Where the data of a release lies, and with which logins it is migrated and backed up. */
  planData(release: Release, config: ConfigRevision): Promise<DataPlan>
  /** Removes releases, revisions, images and core definitions that nothing kept names. */
  prune(kept: Kept): Promise<void>
}
