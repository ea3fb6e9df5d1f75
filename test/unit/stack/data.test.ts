import { describe, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { archiveOf, checkStack, dataServices, formatFinding, passwordFiles } from '../../../src/stack/index.ts'
import { FIT, stackFrom } from './stack-from.ts'

const users = { migrate: { name: 'migrations', password: 'password' }, backup: { name: 'backup', password: 'other' } }
const mongodb = { kind: 'mongodb', database: 'ward', port: 27017, users }
const LOOPBACK = [{ target: 27017, published: '27017', host_ip: '127.0.0.1' }]

interface Service {
  data: unknown
  ports?: unknown[]
}

/** FIT with a database, a cache and an archive, and with `changes` on top. */
function stackWith(changes: Readonly<Record<string, Service>> = {}) {
  const text = parse(FIT)
  const services: Record<string, Service> = {
    database: { data: mongodb, ports: LOOPBACK },
    cache: { data: { kind: 'redis', user: 'backup', password: 'password' } },
    archive: { data: { kind: 'orthanc', volume: 'store' } },
    ...changes,
  }
  for (const [name, { data, ports }] of Object.entries(services)) {
    const volumes = [{ type: 'volume', source: 'store', target: '/data' }]
    const made = { image: 'any:1', networks: { data: null }, volumes, ...(ports ? { ports } : {}) }
    text.services[name] = { ...(text.services[name] ?? made), 'x-pacs': { ...text.services[name]?.['x-pacs'], data } }
  }
  text.volumes.elsewhere = { name: 'ward-elsewhere' }
  text.secrets.other = { file: './secrets//other-file' }
  return stackFrom(stringify(text))
}

function messages(changes: Readonly<Record<string, Service>>): string[] {
  return checkStack(stackWith(changes)).map(formatFinding)
}

test('services that hold data are told with files of the config revision and the names of volumes', () => {
  const stack = stackWith()
  expect(checkStack(stack).map(formatFinding)).toEqual([])
  expect([...dataServices(stack)]).toEqual([
    [
      'database',
      {
        ...mongodb,
        users: {
          migrate: { name: 'migrations', password: 'secrets/password' },
          backup: { name: 'backup', password: 'secrets/other-file' },
        },
      },
    ],
    ['cache', { kind: 'redis', user: { name: 'backup', password: 'secrets/password' } }],
    ['archive', { kind: 'orthanc', volume: 'ward-store', index: null }],
  ])
})

test('a password is needed on the server also where no service mounts it', () => {
  const files = [...stackWith().services.keys()].map((service) => [service, passwordFiles(stackWith(), service)])
  expect(Object.fromEntries(files)).toMatchObject({
    store: [],
    database: ['secrets/password', 'secrets/other-file'],
    cache: ['secrets/password'],
    archive: [],
  })
})

test('an archive names the service that keeps its index, which must be another one that runs once', () => {
  const index = (service: string) => ({ service, database: 'index', user: 'reader' })
  const archive = (service: string) => ({ kind: 'orthanc', volume: 'store', index: index(service) })
  expect(dataServices(stackWith({ archive: { data: archive('cache') } })).get('archive')).toMatchObject({
    volume: 'ward-store',
    index: index('cache'),
  })
  expect(messages({ archive: { data: archive('cache') } })).toEqual([])
  for (const wrong of ['nowhere', 'archive'])
    expect(messages({ archive: { data: archive(wrong) } })).toEqual([
      expect.stringMatching(`archive: index ${wrong} is no other service of the stack`),
    ])
  expect(messages({ archive: { data: archive('page') } })).toEqual([
    expect.stringMatching(/archive: index page is a start-first service/),
  ])
})

test('an archive is told with the volumes of its images and of what keeps its index', () => {
  const index = { service: 'cache', database: 'index', user: 'reader' }
  const archive = { data: { kind: 'orthanc', volume: 'store', index } }
  const place = { volume: 'ward-store', index: { service: 'cache', volumes: ['ward-store'] } }
  expect(archiveOf(stackWith({ archive }), 'archive')).toEqual(place)
  expect(archiveOf(stackWith(), 'archive')).toEqual({ volume: 'ward-store', index: null })
  expect(archiveOf(stackWith(), 'cache')).toBeNull()
})

test('a stack that says nothing of data has none', () => {
  expect(dataServices(stackFrom(FIT)).size).toBe(0)
})

describe('is refused, all that is wrong at once:', () => {
  test('secrets, a volume and a port that are not there', () => {
    const absent = { migrate: { name: 'm', password: 'gone' }, backup: { name: 'b', password: 'lost' } }
    const said = messages({
      database: { data: { ...mongodb, users: absent } },
      cache: { data: { kind: 'redis', user: 'backup', password: 'away' } },
      archive: { data: { kind: 'orthanc', volume: 'nowhere' } },
    })
    expect(said).toEqual([
      expect.stringMatching(/database: port 27017 is not published.*add "127\.0\.0\.1:27017:27017"/),
      expect.stringMatching(/database: password gone is no secret .*\.\/secrets\/gone/),
      expect.stringMatching(/database: password lost is no secret/),
      expect.stringMatching(/cache: password away is no secret/),
      expect.stringMatching(/archive: volume nowhere is none of the stack/),
    ])
  })

  test('a database that every network reaches', () => {
    const open = { target: 27017, published: '27017' }
    expect(messages({ database: { data: mongodb, ports: [open] } })).toEqual([
      expect.stringMatching(/published to every network/),
    ])
    expect(messages({ database: { data: mongodb, ports: [...LOOPBACK, open] } })).toHaveLength(1)
    expect(messages({ database: { data: mongodb, ports: [{ ...open, host_ip: '0.0.0.0' }] } })).toHaveLength(1)
  })

  test('a second database', () => {
    expect(messages({ second: { data: mongodb, ports: LOOPBACK } })).toEqual([
      expect.stringMatching(/second: kind mongodb, as database is too/),
    ])
  })

  test('a volume of another service', () => {
    expect(messages({ archive: { data: { kind: 'orthanc', volume: 'elsewhere' } } })).toEqual([
      expect.stringMatching(/archive: volume elsewhere is not mounted by this service/),
    ])
  })

  test('data of a service that runs twice', () => {
    expect(messages({ page: { data: { kind: 'redis', user: 'u', password: 'password' } } })).toEqual([
      expect.stringMatching(/page: x-pacs\.data is for core services/),
    ])
  })

  test('misspelt keys and values, each with what is allowed there', () => {
    const backup = { name: 'b', pasword: 'other', password: '' }
    const said = messages({
      database: { data: { ...mongodb, port: 0, databse: 'x', users: { ...users, backup } } },
      cache: { data: { kind: 'redis', user: 'backup', password: 'password', volume: 'x' } },
      archive: { data: { kind: 'dicom', volume: 'store' } },
      store: {
        data: { kind: 'orthanc', volume: 'store', index: { service: 'cache', databas: 'x', database: 'x', user: 'x' } },
      },
    })
    expect(said).toHaveLength(7)
    for (const text of [
      /x-pacs\.data\.port: must be 1 to 65535/,
      /x-pacs\.data has no key "databse"; did you mean database\? \(allowed: kind, database, port, users\)/,
      /x-pacs\.data\.users\.backup has no key "pasword"; did you mean password\? \(allowed: name, password\)/,
      /x-pacs\.data\.users\.backup\.password: must be a name/,
      /store: x-pacs\.data\.index has no key "databas"; did you mean database\? \(allowed: service, database, user\)/,
      /cache: x-pacs\.data has no key "volume".*\(allowed: kind, user, password\)/,
      /archive: x-pacs\.data\.kind: must have a kind: mongodb, redis, orthanc/,
    ])
      expect(said).toContainEqual(expect.stringMatching(text))
  })
})
