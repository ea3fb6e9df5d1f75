import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { withLock } from './lock.ts'
import { stateRoot } from './state.ts'

/** Below 32768: from there on Linux takes the ports of outgoing connections, one of which may stand where a server comes back. */
const FIRST = 20_000
const LAST = 32_767

/**
 * Ports of the loopback, each for one server for as long as it is there. Docker's own choice would change whenever a server is started
 * again, and what is pinned to an address (a host key, a page that is being counted) would lose its server. The system's choice may be
 * made again while a server is down; these come round when all 12,768 were given.
 */
export async function freePorts(count: number): Promise<number[]> {
  const file = join(await stateRoot(), 'next-port')
  return withLock('ports', async () => {
    const ports: number[] = []
    let next = Number(await readFile(file, 'utf8').catch(() => FIRST))
    while (ports.length < count) {
      if (!(next >= FIRST && next <= LAST)) next = FIRST
      if (await isFree(next)) ports.push(next)
      next += 1
    }
    await writeFile(file, String(next))
    return ports
  })
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
  } catch {
    return false
  }
  await new Promise((closed) => server.close(closed))
  return true
}
