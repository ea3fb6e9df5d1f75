// What the metrics middleware costs: an empty handler of Express with and without it, in short turns, each in a process of its own, asked
// over 16 connections by one that does as little as possible. What counts is requests per second of the server's own processor time: what
// else the machine does is not in it. Each round has new processes: how V8 happens to compile one makes some per cent of difference.
// Runs in the backend's image. Usage: node middleware-load.mjs ROUNDS SECONDS
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect } from 'node:net'

/** The API in the backend's image. */
const APP = process.env.APP ?? '/app'
const { default: express } = await import(`${APP}/node_modules/express/index.js`)
const { createMetrics } = await import(`${APP}/src/middleware/metrics-middleware.js`)

const CONNECTIONS = 16
/** Seconds of a turn. */
const TURN = 0.2
const REQUEST = 'GET /empty HTTP/1.1\r\nHost: bench\r\n\r\n'

async function serve(measured) {
  const app = express()
  app.get('/empty', (_request, response) => void response.end())
  const server = createServer(measured ? createMetrics().counted(app) : app).listen(0, '127.0.0.1')
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

/** Requests per second of processor time, with and without the middleware. */
async function compare(seconds) {
  const file = new URL(import.meta.url).pathname
  const sides = ['plain', 'measured'].map((kind) => ({ kind, child: fork(file, [kind]), answered: 0, used: 0 }))
  for (const side of sides) side.port = (await once(side.child, 'message'))[0]
  for (const { port } of sides) await load(port, 1)
  for (let turn = 0; turn < seconds / TURN; turn++) {
    for (const side of turn % 2 ? sides.toReversed() : sides) {
      const before = await processorTime(side.child)
      side.answered += await load(side.port, TURN)
      side.used += (await processorTime(side.child)) - before
    }
  }
  for (const { child } of sides) child.kill()
  return sides.map(({ kind, answered, used }) => [kind, Math.round(answered / used)])
}

if (process.send) await serve(process.argv[2] === 'measured')
else {
  const [rounds = 5, seconds = 3] = process.argv.slice(2).map(Number)
  const figures = { plain: [], measured: [] }
  for (let round = 0; round < rounds; round++)
    for (const [kind, rate] of await compare(seconds)) figures[kind].push(rate)
  process.stdout.write(`${JSON.stringify(figures)}\n`)
}
