import { Failure } from '../lib/index.ts'
import { type CatalogImage, imagesOf, writeImages } from './catalog-image.ts'
import type { Migration } from './files.ts'
import type { Lease } from './lease.ts'
import type { Actor, HistoryLine, LedgerEntry, Walk } from './ledger.ts'
import type { LedgerStore } from './store.ts'

/** Writes ledger and history for the owner of a lease; the history's line goes first. */
export class LedgerWriter {
  readonly #store: LedgerStore
  readonly #lease: Lease
  readonly #actor: Actor
  readonly #owners: Map<string, string>
  readonly #history: HistoryLine[]
  #last: number

  constructor(
    store: LedgerStore,
    lease: Lease,
    actor: Actor,
    { entries, history }: { entries: readonly LedgerEntry[]; history: readonly HistoryLine[] },
  ) {
    this.#store = store
    this.#lease = lease
    this.#actor = actor
    this.#owners = new Map(entries.map(({ _id, owner }) => [_id, owner]))
    this.#history = [...history]
    this.#last = Math.max(0, ...history.map(({ _id }) => _id))
  }

  /** The entry with which work on a migration begins; takes over the progress of an interrupted run. */
  begin(
    { id, sha256, phase }: Pick<Migration, 'id' | 'sha256' | 'phase'>,
    state: LedgerEntry['state'],
    progress: Record<string, Walk>,
  ): LedgerEntry {
    const common = { _id: id, sha256, phase, state, ...this.#actor, owner: this.#lease.token }
    return { ...common, startedAt: this.#store.now(), finishedAt: null, progress, error: null }
  }

  /** Adds a line to the history, then writes the entry. */
  async announce(
    event: HistoryLine['event'],
    entry: LedgerEntry,
    note: string | null,
    images: readonly CatalogImage[] = [],
  ): Promise<void> {
    await this.#lease.check()
    await this.#append(event, entry, note, images)
    await this.write(entry)
  }

  /** The same, and gives the lease back with it. @param entry is in the ledger already */
  async announceLast(
    event: HistoryLine['event'],
    entry: LedgerEntry,
    note: string | null,
    images: readonly CatalogImage[],
  ): Promise<void> {
    await this.#lease.check()
    await this.#append(event, entry, note, images)
    const owner = this.#owners.get(entry._id) ?? entry.owner
    if (!(await this.#lease.endWith(() => this.#store.putLast(entry, owner)))) throw taken(entry._id)
  }

  /** What the collections were that a migration changes. */
  kept(id: string): CatalogImage[] {
    return imagesOf(this.#history, id)
  }

  /** Keeps what collections are before the migration of `entry` changes them for the first time. */
  async keep(entry: LedgerEntry, images: readonly CatalogImage[]): Promise<void> {
    const known = new Set(this.kept(entry._id).map(({ collection }) => collection))
    const first = images.filter(({ collection }) => !known.has(collection))
    if (first.length === 0) return
    await this.#lease.check()
    await this.#append('kept', entry, null, first)
  }

  /** Writes the entry alone. @throws Failure `failed` when another owner has written it */
  async write(entry: LedgerEntry): Promise<void> {
    await this.#lease.check()
    const owned = await this.#lease.orLost(this.#store.put(entry, this.#owners.get(entry._id) ?? null))
    if (!owned) throw taken(entry._id)
    this.#owners.set(entry._id, entry.owner)
  }

  /** Adds a line to the history, then removes the entry: the migration is pending again. */
  async remove(event: 'undone' | 'marked-pending', entry: LedgerEntry, note: string | null): Promise<void> {
    await this.#lease.check()
    await this.#append(event, entry, note)
    await this.#lease.check()
    const owner = this.#owners.get(entry._id) ?? entry.owner
    if (!(await this.#lease.orLost(this.#store.remove(entry._id, owner)))) throw taken(entry._id)
    this.#owners.delete(entry._id)
  }

  now(): Date {
    return this.#store.now()
  }

  async #append(
    event: HistoryLine['event'],
    { _id, sha256, phase }: LedgerEntry,
    note: string | null,
    images: readonly CatalogImage[] = [],
  ): Promise<void> {
    this.#last += 1
    const at = this.#store.now()
    const more = images.length === 0 ? {} : { kept: writeImages(images) }
    const line = { _id: this.#last, migration: _id, event, sha256, phase, ...this.#actor, at, note, ...more }
    await this.#lease.orLost(this.#store.append(line))
    this.#history.push(line)
  }
}

function taken(id: string): Failure {
  return new Failure('failed', `the ledger's entry of ${id} was written by someone else meanwhile: stopped`)
}
