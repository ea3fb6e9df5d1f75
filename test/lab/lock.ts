import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { waitFor } from './wait.ts'

/** How long one process waits for another that builds images or starts the engine: 15 min. */
const LIMIT = 15 * 60_000

/**
 * Runs `work` while no other lab process of this machine runs work under the same name.
 * The lock is a socket in Linux's abstract namespace: the kernel lets go of it with the process, so a kill leaves none.
 */
export async function withLock<T>(name: string, work: () => Promise<T>): Promise<T> {
  const held = await waitFor(`the lab's lock "${name}", held by another process`, () => listen(name), LIMIT)
  try {
    return await work()
  } finally {
    held.close()
  }
}

async function listen(name: string): Promise<Server> {
  const server = createServer().unref()
  server.listen(`\0pacs-deploy-lab/${name}`)
  await once(server, 'listening')
  return server
}
