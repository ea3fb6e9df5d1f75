// Small real servers that speak as services do, or lie as they do.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer as createHttp, type RequestListener } from 'node:http'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Service extends AsyncDisposable {
  port: number
}

/** A server on loopback that does what `serve` says with every connection. */
export async function tcpService(serve: (socket: Socket) => void): Promise<Service> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    serve(socket)
  })
  return opened(server, () => {
    for (const socket of sockets) socket.destroy()
  })
}

/** One that answers whatever it is told with `bytes`. */
export function saying(bytes: string | Uint8Array): Promise<Service> {
  return tcpService((socket) => void socket.once('data', () => void socket.write(bytes)))
}

/** One that accepts every connection and says nothing. */
export function silent(): Promise<Service> {
  return tcpService(() => undefined)
}

export function httpService(answer: RequestListener): Promise<Service> {
  const server = createHttp(answer)
  return opened(server, () => server.closeAllConnections())
}

/** A container engine that lists `containers`, or says `body`. */
export async function engine(
  containers: readonly Container[],
  body = JSON.stringify(containers.map(listed)),
): Promise<AsyncDisposable & { socketPath: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'pacs-engine-'))
  const socketPath = join(folder, 'docker.sock')
  const server = createHttp(({ url = '' }, response) => {
    const [, id, what] = /^\/containers\/([0-9a-f]{12})\/(json|stats)/.exec(url) ?? []
    const one = containers.find((container) => idOf(container) === id)
    if (what === undefined) response.end(body)
    else if (one?.figures?.[what] === undefined) response.writeHead(404).end('{"message":"No such container"}')
    else response.end(JSON.stringify(one.figures[what]))
  })
  server.listen(socketPath)
  await once(server, 'listening')
  return {
    socketPath,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await rm(folder, { recursive: true })
    },
  }
}

export interface Container {
  service: string
  project?: string
  state?: string
  status?: string
  instance?: string
  /** Of a proof of a restore. */
  verifies?: true
  /** What the engine answers when it is asked for this one; left out for one that has gone since the list. */
  figures?: Readonly<Record<string, unknown>>
}

function idOf({ service }: Container): string {
  return createHash('sha256').update(service).digest('hex').slice(0, 12)
}

function listed(container: Container) {
  const { service, project = 'pacs', state = 'running', status = 'Up 3 minutes (healthy)', instance } = container
  // As the agent writes an instance: Compose's own name of the service carries it too.
  const name = instance === undefined ? service : `${service}-${project.slice(-8)}`
  return {
    Id: idOf(container),
    Names: [`/${project}-${name}-1`],
    State: state,
    Status: status,
    Labels: {
      'com.docker.compose.project': project,
      'com.docker.compose.service': name,
      ...(container.verifies ? { 'pacs.verify': 'a proof' } : {}),
      ...(instance === undefined ? {} : { 'pacs.instance': instance, 'pacs.service': service }),
    },
    NetworkSettings: { Networks: { net: { IPAddress: '127.0.0.1' } } },
  }
}

async function opened(server: Server, cut: () => void): Promise<Service> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    async [Symbol.asyncDispose]() {
      cut()
      server.close()
      await once(server, 'close')
    },
  }
}
