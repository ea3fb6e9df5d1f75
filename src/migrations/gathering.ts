/** Has those who come to a point wait for all who are on their way to it, so that they go on in one turn of the event loop. */
export class Gathering {
  #underWay = 0
  #arrived: (() => void)[] = []

  /** Does `work`, which may call `meet` once. */
  async join<T>(work: () => Promise<T>): Promise<T> {
    this.#underWay += 1
    try {
      return await work()
    } finally {
      this.#underWay -= 1
      this.#settle()
    }
  }

  /** Waits until everyone else who joined is here or has ended. */
  meet(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#arrived.push(resolve)
    this.#settle()
    return promise
  }

  #settle(): void {
    if (this.#arrived.length < this.#underWay) return
    for (const resolve of this.#arrived.splice(0)) resolve()
  }
}
