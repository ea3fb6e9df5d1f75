import type { Report } from './finding.ts'
import { field, type Path } from './sources.ts'
import type { Stack, StackService } from './stack.ts'
import type { XPacsData } from './x-pacs-data.ts'

/** What `x-pacs.data` says of a service must be true of the file: its secrets, its volume, its port. */
export function* checkData(stack: Stack): Generator<Report> {
  let database: string | undefined
  for (const service of stack.services.values()) {
    const { data } = service.pacs
    if (data === undefined) continue
    const path = ['services', service.name, 'x-pacs', 'data']
    if (service.kind === 'app') {
      const message =
        'x-pacs.data is for core services: a start-first service runs twice during a deploy, and data has one owner'
      yield { rule: 'data', message, path }
    }
    yield* checkSecrets(stack, data, path)
    if (data.kind === 'orthanc') {
      yield* checkVolume(stack, service, data.volume, [...path, 'volume'])
      if (data.index) yield* checkIndex(stack, service, data.index.service, [...path, 'index', 'service'])
    }
    if (data.kind !== 'mongodb') continue
    yield* checkPort(service, data.port, [...path, 'port'])
    if (database !== undefined) {
      const message = `kind mongodb, as ${database} is too: migrations know one database; leave x-pacs.data out here`
      yield { rule: 'data', message, path: [...path, 'kind'] }
    }
    database ??= service.name
  }
}

function* checkSecrets(stack: Stack, data: XPacsData, path: Path): Generator<Report> {
  const named: [string, Path][] =
    data.kind === 'mongodb'
      ? Object.entries(data.users).map(([use, { password }]) => [password, [...path, 'users', use, 'password']])
      : data.kind === 'redis'
        ? [[data.password, [...path, 'password']]]
        : []
  for (const [secret, at] of named) {
    if (stack.secrets.get(secret)?.file !== undefined) continue
    const message = `password ${secret} is no secret of the stack with a file: declare it under secrets, with file: ./secrets/${secret}`
    yield { rule: 'data', message, path: at }
  }
}

function* checkVolume(stack: Stack, { definition }: StackService, volume: string, path: Path): Generator<Report> {
  if (!stack.volumes.has(volume)) {
    yield { rule: 'data', message: `volume ${volume} is none of the stack: declare it under volumes`, path }
  } else if (!(definition.volumes ?? []).some(({ type, source }) => type === 'volume' && source === volume)) {
    yield { rule: 'data', message: `volume ${volume} is not mounted by this service: name the one that is`, path }
  }
}

function* checkIndex(stack: Stack, { name }: StackService, index: string, path: Path): Generator<Report> {
  const service = stack.services.get(index)
  if (service === undefined || index === name) {
    yield { rule: 'data', message: `index ${index} is no other service of the stack: name its PostgreSQL`, path }
  } else if (service.kind === 'app') {
    const message = `index ${index} is a start-first service, which runs twice during a deploy: make it a core service`
    yield { rule: 'data', message, path }
  }
}

/** Migrations come through an SSH tunnel to the server's loopback; nobody else may reach the database. */
function* checkPort({ definition }: StackService, port: number, path: Path): Generator<Report> {
  const published = (definition.ports ?? []).filter((entry) => Number(field(entry, 'published')) === port)
  if (published.length > 0 && published.every((entry) => field(entry, 'host_ip') === '127.0.0.1')) return
  const message =
    published.length === 0
      ? `port ${port} is not published: migrations reach the database there; add "127.0.0.1:${port}:27017" to ports`
      : `port ${port} is published to every network: write "127.0.0.1:${port}:27017", so that only this machine reaches it`
  yield { rule: 'data', message, path }
}
