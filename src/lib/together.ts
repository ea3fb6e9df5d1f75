/** Waits for the end of all, and only then throws what one threw: nothing goes on behind a caller that has ended. */
export async function together<T extends readonly unknown[] | []>(works: T) {
  await Promise.allSettled(works)
  return Promise.all(works)
}
