import { once } from 'node:events'

/**
 * Watches the connections of `server`, so that it can be closed at any time without cutting a request.
 * @param {import('node:http').Server} server
 * @returns {(limit: number) => Promise<boolean>} accepts no more connections, finishes what runs and closes the server; what still
 *   runs after `limit` milliseconds is cut, and the answer is false
 */
export function createDrain(server) {
  /** @type {Set<import('node:net').Socket>} */
  const silent = new Set()
  let answered = () => {}
  server.on('connection', (/** @type {import('node:net').Socket} */ socket) => {
    silent.add(socket)
    socket.once('close', () => silent.delete(socket))
  })
  server.on('request', (request, response) => {
    silent.delete(request.socket)
    response.once('close', () => answered())
  })

  return async function drain(limit) {
    let clean = true
    const timer = setTimeout(() => {
      clean = false
      server.closeAllConnections()
    }, limit)
    const closed = once(server, 'close')
    server.close()
    // close() ends the connections that are idle now; the others when they become so.
    answered = () => server.closeIdleConnections()
    // Node counts a connection that never asked as busy. Proxies hold such ones: opened for a request that another one then served.
    for (const socket of silent) if (socket.bytesRead === 0) socket.destroy()
    await closed
    clearTimeout(timer)
    return clean
  }
}
