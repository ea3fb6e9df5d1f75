import type { Db, Document } from 'mongodb'
import type { Definition } from './definition.ts'

/** The longest that MongoDB takes, 68 years: nothing expires by it. */
const NEVER = 2_147_483_647

/**
 * Keeps documents from expiring in a database while it is brought to an earlier moment, where they had not: its indexes get their
 * times at the end.
 */
export class HeldTtl {
  readonly #times = new Map<string, Map<string, unknown>>()

  /** The same indexes with a time that never comes. */
  hold(collection: string, indexes: readonly Document[]): Document[] {
    return indexes.map((index) => {
      if (index.expireAfterSeconds === undefined) return index
      this.#of(collection).set(String(index.name), index.expireAfterSeconds)
      return { ...index, expireAfterSeconds: NEVER }
    })
  }

  /** A time was changed. */
  change(collection: string, index: string, seconds: unknown): void {
    this.#of(collection).set(index, seconds)
  }

  dropIndex(collection: string, index: string): void {
    if (index === '*') this.#times.delete(collection)
    else this.#of(collection).delete(index)
  }

  drop(collection: string): void {
    this.#times.delete(collection)
  }

  rename(from: string, to: string): void {
    this.#times.set(to, this.#of(from))
    this.#times.delete(from)
  }

  /** What is there, as if the indexes had their times. */
  asReleased({ indexes, ...definition }: Definition): Definition {
    const times = this.#of(definition.name)
    return {
      ...definition,
      indexes: indexes.map((index) => {
        const seconds = times.get(String(index.name))
        return seconds === undefined ? index : { ...index, expireAfterSeconds: seconds }
      }),
    }
  }

  async release(db: Db): Promise<void> {
    for (const [collection, times] of this.#times) {
      for (const [name, expireAfterSeconds] of times) {
        await db.command({ collMod: collection, index: { name, expireAfterSeconds } })
      }
    }
  }

  #of(collection: string): Map<string, unknown> {
    const times = this.#times.get(collection) ?? new Map<string, unknown>()
    this.#times.set(collection, times)
    return times
  }
}
