/**
 * Has one work run at a time, in the order in which they came. A server makes collections and indexes of one database one after another
 * whoever asks, so more connections would only add their logins, which cost a server as much as the work.
 */
export function inTurn(): <R>(work: () => Promise<R>) => Promise<R> {
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    const mine = last.then(work)
    last = mine.catch(() => undefined)
    return mine
  }
}
