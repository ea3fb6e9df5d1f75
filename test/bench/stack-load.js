// Run on the server by bench stack: 16 kept connections ask one address as fast as they are answered. Prints one line of JSON.
const { Agent, request } = require(process.argv[2].startsWith('https:') ? 'node:https' : 'node:http')
const [, , url, host, seconds] = process.argv
const agent = new Agent({ keepAlive: true, maxSockets: 16 })
const took = []
let failed = 0

function ask() {
  return new Promise((resolve) => {
    const started = performance.now()
    const outgoing = request(url, { agent, headers: { host }, servername: host, rejectUnauthorized: false })
    const fail = () => {
      failed += 1
      resolve()
    }
    outgoing.on('error', fail)
    outgoing.on('response', (response) => {
      response.resume()
      response.on('error', fail)
      response.on('end', () => {
        if (response.statusCode === 200) took.push(performance.now() - started)
        else failed += 1
        resolve()
      })
    })
    outgoing.end()
  })
}

async function connection(until) {
  while (performance.now() < until) await ask()
}

async function main() {
  // The first second fills caches and compiles.
  await Promise.all(Array.from({ length: 16 }, () => connection(performance.now() + 1000)))
  took.length = 0
  failed = 0
  await Promise.all(Array.from({ length: 16 }, () => connection(performance.now() + Number(seconds) * 1000)))
  took.sort((a, b) => a - b)
  const at = (share) => took[Math.min(took.length - 1, Math.floor(took.length * share))] ?? 0
  console.log(JSON.stringify({ failed, rate: took.length / Number(seconds), p50: at(0.5), p99: at(0.99) }))
  agent.destroy()
}

main()
