// What the metrics middleware costs: an empty handler of Express with and without it, in turns, each in a process of its own, asked over
// 16 connections by one that does as little as possible. What counts is requests per second of the server's own processor time: what
// else the machine does is not in it. Runs in the backend's image. Usage: node middleware-load.mjs ROUNDS SECONDS
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'

/** The API in the backend's image. */
const APP = process.env.APP ?? '/app'
const { default: express } = await import(`${APP}/node_modules/express/index.js`)
const { createMetrics } = await import(`${APP}/src/middleware/metrics-middleware.js`)

const CONNECTIONS = 16
const REQUEST = 'GET /empty HTTP/1.1\r\nHost: bench\r\n\r\n'

async function serve(measured) {
  const app = express()
  if (measured) app.use(createMetrics().middleware)
  app.get('/empty', (_request, response) => void response.end())
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  process.send(server.address().port)
  process.on('message', () => {
    const { user, system } = process.cpuUsage()
    process.send((user + system) / 1e6)
  })
}

/** @returns how many requests were answered */
async function load(port, seconds) {
  let answered = 0
  let running = true
  const sockets = Array.from({ length: CONNECTIONS }, () => {
    const socket = connect(port, '127.0.0.1').on('data', () => {
      answered += 1
      if (running) socket.write(REQUEST)
    })
    socket.write(REQUEST)
    return socket
  })
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
  running = false
  for (const socket of sockets) socket.destroy()
  return answered
}

async function processorTime(child) {
  child.send('processor time')
  return (await once(child, 'message'))[0]
}

if (process.send) await serve(process.argv[2] === 'measured')
else {
  const [rounds = 5, seconds = 3] = process.argv.slice(2).map(Number)
  const file = new URL(import.meta.url).pathname
  const servers = ['plain', 'measured'].map((kind) => ({ kind, child: fork(file, [kind]) }))
  const figures = { plain: [], measured: [] }
  const ports = await Promise.all(servers.map(async ({ child }) => (await once(child, 'message'))[0]))
  for (const port of ports) await load(port, 1)
  for (let round = 0; round < rounds; round++) {
    for (const [n, { kind, child }] of servers.entries()) {
      const before = await processorTime(child)
      const answered = await load(ports[n], seconds)
      figures[kind].push(Math.round(answered / ((await processorTime(child)) - before)))
    }
  }
  for (const { child } of servers) child.kill()
  process.stdout.write(`${JSON.stringify(figures)}\n`)
}
