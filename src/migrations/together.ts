/** Sends what is asked in one turn of the event loop as one question. @param send answers in the order of what was asked */
export function together<T, R>(send: (asked: readonly T[]) => Promise<readonly R[]>): (one: T) => Promise<R> {
  let waiting: { one: T; answer: PromiseWithResolvers<R> }[] = []
  const flush = async () => {
    const sent = waiting
    waiting = []
    try {
      const answers = await send(sent.map(({ one }) => one))
      sent.forEach(({ answer }, index) => {
        const found = answers[index]
        if (found === undefined) answer.reject(new Error(`${answers.length} answers to ${sent.length} questions`))
        else answer.resolve(found)
      })
    } catch (thrown) {
      for (const { answer } of sent) answer.reject(thrown)
    }
  }
  return (one) => {
    if (waiting.length === 0) setImmediate(() => void flush())
    const answer = Promise.withResolvers<R>()
    waiting.push({ one, answer })
    return answer.promise
  }
}
