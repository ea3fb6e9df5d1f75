// As much of mongosh as the stack's scripts use: db, getSiblingDB, runCommand, auth, hello; sleep, print, quit, require.
// Commands are synchronous there, so a thread does the talking and this one waits for it.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { parseArgs } from 'node:util'
import { runInNewContext } from 'node:vm'
import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads'
import { EJSON } from 'bson'
import type { Fields } from './wire.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quiet: { type: 'boolean' },
    norc: { type: 'boolean' },
    host: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', default: '27017' },
    eval: { type: 'string' },
  },
})

const LIMIT = 30_000
const { port1, port2 } = new MessageChannel()
const signal = new Int32Array(new SharedArrayBuffer(4))
const worker = new Worker(new URL('./mongosh-connection.ts', import.meta.url), {
  workerData: { host: values.host, port: Number(values.port), signal, replies: port2 },
  transferList: [port2],
})

function call(kind: 'command' | 'auth', value: Fields): Fields {
  Atomics.store(signal, 0, 0)
  worker.postMessage({ kind, text: EJSON.stringify(value) })
  if (Atomics.wait(signal, 0, 0, LIMIT) === 'timed-out') throw new Error(`no answer within ${LIMIT} ms`)
  const reply: Fields = EJSON.parse(receiveMessageOnPort(port1)?.message)
  if (reply.ok !== 1)
    throw Object.assign(new Error(String(reply.errmsg)), { code: reply.code, codeName: reply.codeName })
  return reply
}

function database(name: string): object {
  return {
    getSiblingDB: database,
    runCommand: (command: Fields) => call('command', { ...command, $db: name }),
    auth: (user: string, password: string) => call('auth', { user, password, database: name }),
    hello: () => call('command', { hello: 1, $db: name }),
  }
}

const context = {
  db: database('test'),
  sleep: (milliseconds: number) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds),
  print: console.log,
  quit: (code = 0) => process.exit(code),
  require: createRequire(import.meta.url),
  process,
}
try {
  call('command', { hello: 1, $db: 'admin' })
  if (values.eval !== undefined) runInNewContext(values.eval, context)
  for (const file of positionals) runInNewContext(readFileSync(file, 'utf8'), context, { filename: file })
  process.exit(0)
} catch (thrown) {
  console.error(
    thrown instanceof Error || (typeof thrown === 'object' && thrown !== null && 'message' in thrown)
      ? thrown.message
      : thrown,
  )
  process.exit(1)
}
