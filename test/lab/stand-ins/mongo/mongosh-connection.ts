// The thread of mongosh.ts that talks to the server.
import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { Binary, EJSON } from 'bson'
import { bodyOf, type Fields, MessageReader, request } from './wire.ts'

const { host, port, signal, replies }: { host: string; port: number; signal: Int32Array; replies: MessagePort } =
  workerData

let socket: Socket | undefined
let requests = 0

async function ask(command: Fields): Promise<Fields> {
  if (socket === undefined) {
    const opening = connect(port, host)
    await once(opening, 'connect')
    socket = opening.on('error', () => {})
  }
  const reader = new MessageReader()
  requests += 1
  socket.write(request(requests, command))
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    const [message] = reader.push(chunk)
    if (message !== undefined) return EJSON.parse(EJSON.stringify(bodyOf(message)))
  }
  throw new Error('the server closed the connection')
}

/** SCRAM-SHA-256 (RFC 5802, RFC 7677), for passwords of printable ASCII. */
async function logIn({ user, password, database }: Fields): Promise<Fields> {
  const bare = `n=${user},r=${randomBytes(18).toString('base64')}`
  const mechanism = { saslStart: 1, mechanism: 'SCRAM-SHA-256' }
  const first = await ask({ ...mechanism, payload: new Binary(Buffer.from(`n,,${bare}`)), $db: database })
  if (first.ok !== 1) return first
  const challenge = payloadOf(first)
  const {
    r: nonce,
    s: salt,
    i: iterations,
  } = Object.fromEntries(challenge.split(',').map((part) => [part[0], part.slice(2)]))
  const salted = pbkdf2Sync(String(password), Buffer.from(salt ?? '', 'base64'), Number(iterations), 32, 'sha256')
  const clientKey = hmac(salted, 'Client Key')
  const proofless = `c=biws,r=${nonce}`
  const signature = hmac(createHash('sha256').update(clientKey).digest(), `${bare},${challenge},${proofless}`)
  const proof = clientKey.map((byte, index) => byte ^ (signature[index] ?? 0))
  const answer = new Binary(Buffer.from(`${proofless},p=${Buffer.from(proof).toString('base64')}`))
  const { conversationId } = first
  const second = await ask({ saslContinue: 1, conversationId, payload: answer, $db: database })
  if (second.ok !== 1 || second.done === true) return second
  return ask({ saslContinue: 1, conversationId, payload: new Binary(Buffer.alloc(0)), $db: database })
}

function payloadOf({ payload }: Fields): string {
  if (!(payload instanceof Binary)) throw new Error('the server sends no SCRAM challenge')
  return Buffer.from(payload.value()).toString('utf8')
}

function hmac(key: Uint8Array, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}

parentPort?.on('message', async ({ kind, text }: { kind: 'command' | 'auth'; text: string }) => {
  const value: Fields = EJSON.parse(text)
  const reply = await (kind === 'auth' ? logIn(value) : ask(value)).catch((error: Error) => ({
    ok: 0,
    errmsg: error.message,
  }))
  replies.postMessage(EJSON.stringify(reply))
  Atomics.store(signal, 0, 1)
  Atomics.notify(signal, 0)
})
