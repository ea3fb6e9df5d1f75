import { createServer } from 'node:http'
import { join } from 'node:path'

/** What an engine answers, by method and path: JSON, or the status of a refusal. */
export type Answers = Readonly<Record<string, object | number>>

/** An engine at a socket in `directory`; what it does not know is not there. Ends with `await using`. */
export async function engineAt(directory: string, answers: Answers) {
  const asked: string[] = []
  const server = createServer(({ method, url }, response) => {
    const question = `${method} ${url}`
    asked.push(question)
    const answer = answers[question] ?? 404
    if (typeof answer === 'number') response.writeHead(answer).end('{"message": "no"}')
    else response.end(JSON.stringify(answer))
  })
  const socket = join(directory, 'engine.sock')
  await new Promise<void>((resolve) => server.listen(socket, resolve))
  return {
    host: `unix://${socket}`,
    /** All that it was asked, in order. */
    asked,
    async [Symbol.asyncDispose]() {
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
