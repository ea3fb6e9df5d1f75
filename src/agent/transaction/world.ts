import type { ReleaseId, ReleaseManifest } from '../../release/index.ts'
import type { DataPlan } from '../data/data-plan.ts'
import type { DataJobs } from '../data/jobs.ts'
import type { Edge } from '../server/edge.ts'
import type { Engine, Project } from '../server/engine.ts'
import type { Answer } from '../server/probe.ts'
import type { CoreService } from './core-definition.ts'
import type { Guest } from './guest.ts'
import type { Reporter } from './journal.ts'
import type { Instance, StateStore } from './state.ts'
import type { Certificate } from './traffic.ts'

/** A release whose image was verified and unpacked on this server. */
export interface Release {
  id: ReleaseId
  reference: string
  manifest: ReleaseManifest
  /** `releases/<id>`: `release.json`, `stack/`, `agent/`. */
  directory: string
}

/** A release with a config revision, ready to be created: what will run, and the Compose project that makes it. */
export interface Plan {
  release: Release
  instance: Instance
  project: Project
  /** Images by digest, as the engine pulls them. */
  images: readonly string[]
  /** Bytes of memory that its limits allow, over all replicas. */
  memory: number
  /** The host name of the public entry. */
  publicHost: string
  data: DataPlan
}

/** All that the transactions touch: real on a server, in memory under test. */
export interface World {
  store: StateStore
  engine: Engine
  edge: Edge
  /** Replaces the file of Prometheus targets when its text changed; never throws. */
  writeTargets(text: string): Promise<void>
  /** Asks a container on the server's own bridge network. */
  probe(address: string, port: number, path: string): Promise<Answer>
  /** A definition of a core service that ran here before; null when it is not kept. */
  oldDefinition(service: string, hash: string): Promise<CoreService | null>
  certificateOf(instance: Instance): Promise<Certificate | null>
  publicHostOf(instance: Instance): Promise<string>
  /** Bytes of memory that the machine can still give. */
  availableMemory(): Promise<number>
  jobs: DataJobs
  now(): number
  /** @throws the signal's reason on abort. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  randomSecret(): string
}

/** One running transaction, as its steps see it. */
export interface Run {
  id: string
  report: Reporter
  /** What the requester does itself while this transaction holds the lock. */
  guest: Guest
  /** Aborted with a Failure that says who asked for the end. */
  signal: AbortSignal
}
