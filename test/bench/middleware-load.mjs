// What the metrics middleware costs: an empty handler of Express with and without it, by turns in one process, asked over 16 connections by
// another that does as little as possible. What counts is the server's own processor time per request: what else the machine does is not in
// it, but for the caches that it shares. Of the turns of a round a low quantile is compared, since all that disturbs one makes it longer.
// Both sides share what V8 made of Node's and Express's code, so how it happened to be compiled makes no difference between them; each
// round is a new process, since it makes one between rounds.
// Runs in the backend's image. Usage: node middleware-load.mjs ROUNDS TURNS
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect } from 'node:net'

/** The API in the backend's image. */
const APP = process.env.APP ?? '/app'
const CONNECTIONS = 16
/** Requests of a turn: enough that each has its share of collected garbage, few enough that some turns are left alone. */
const REQUESTS = 3000
/** Turns of each side until V8 has compiled what it will. */
const WARM = 10
/** Of the turns of a side in a round, in order of their time, which one counts. */
const QUANTILE = 0.2
const REQUEST = 'GET /empty HTTP/1.1\r\nHost: bench\r\n\r\n'
/** Without the middleware twice: how far two of the same lie apart says what a difference is worth. */
const SIDES = ['plain', 'measured', 'again']

async function serve() {
  const { default: express } = await import(`${APP}/node_modules/express/index.js`)
  const { createMetrics } = await import(`${APP}/src/middleware/metrics-middleware.js`)
  const ports = {}
  for (const side of SIDES) {
    const app = express()
    app.get('/empty', (_request, response) => void response.end())
    const server = createServer(side === 'measured' ? createMetrics().counted(app) : app).listen(0, '127.0.0.1')
    await once(server, 'listening')
    ports[side] = server.address().port
  }
  process.send(ports)
  process.on('message', () => {
    const { user, system } = process.cpuUsage()
    process.send(user + system)
  })
}

/** Sends `REQUESTS` and awaits their answers, which come in one piece each. */
async function load(port) {
  let left = REQUESTS
  let awaited = REQUESTS
  await new Promise((resolve, reject) => {
    const ask = (socket) => {
      if (left === 0) return
      left -= 1
      socket.write(REQUEST)
    }
    for (let n = 0; n < CONNECTIONS; n++) {
      const socket = connect(port, '127.0.0.1')
      socket.on('error', reject).on('data', () => {
        awaited -= 1
        ask(socket)
        if (left === 0) socket.end()
        if (awaited === 0) resolve()
      })
      ask(socket)
    }
  })
}

async function processorTime(child) {
  child.send('processor time')
  return (await once(child, 'message'))[0]
}

/** Microseconds of the processor per request, of each side. */
async function round(turns) {
  const child = fork(new URL(import.meta.url).pathname)
  const [ports] = await once(child, 'message')
  const took = Object.fromEntries(SIDES.map((side) => [side, []]))
  for (let turn = 0; turn < WARM + turns; turn++) {
    // Who comes first changes, since what one leaves behind is collected in the turn of the next.
    const order = SIDES.map((_, n) => SIDES[(n + turn) % SIDES.length])
    for (const side of turn % 2 ? order.toReversed() : order) {
      const before = await processorTime(child)
      await load(ports[side])
      const each = ((await processorTime(child)) - before) / REQUESTS
      if (turn >= WARM) took[side].push(each)
    }
  }
  child.kill()
  return Object.entries(took).map(([side, all]) => [side, all.toSorted((a, b) => a - b)[Math.floor(turns * QUANTILE)]])
}

if (process.send) await serve()
else {
  const [rounds = 9, turns = 40] = process.argv.slice(2).map(Number)
  const figures = Object.fromEntries(SIDES.map((side) => [side, []]))
  for (let n = 0; n < rounds; n++) for (const [side, each] of await round(turns)) figures[side].push(each)
  process.stdout.write(`${JSON.stringify(figures)}\n`)
}
