import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * Free ports of the loopback, chosen by the system. Docker's own choice would change whenever a server is started again,
 * and what is pinned to an address (a host key, a page that is being counted) would lose its server.
 */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, '127.0.0.1')
      await once(server, 'listening')
      return server
    }),
  )
  const ports = servers.map((server) => {
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('a TCP server has no port')
    return address.port
  })
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))))
  return ports
}
