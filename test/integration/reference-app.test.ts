// The reference app with the database that the shipped migrations make and Redis with the shipped users. Two instances of it run, as
// in the moments of a deploy; Orthanc is away all the time.
import { randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Db } from 'mongodb'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  applyMigrations,
  type IndexDeclaration,
  loadMigrations,
  type Migration,
  openDatabase,
} from '../../src/migrations/index.ts'
import { declarationsOf } from '../../src/migrations/lint/declarations.ts'
import {
  type Address,
  type Database,
  docker,
  ensureVendorImage,
  freePorts,
  freeze,
  LAB_LABEL,
  Progress,
  startDatabase,
  startWire,
  waitFor,
} from '../lab/index.ts'
import { makeSecrets } from '../site/make-secrets.ts'
import { AppProgram, checkTypes, Page } from '../stack/app-process.ts'
import { appQueries, indexesIn, type Question, questionsIn, serves } from '../stack/index-use.ts'

const STUDY = '1.2.826.0.1.3680043.8.498.77'
const MIGRATIONS = join(import.meta.dirname, '../../deployment/production/migrations')
const CHECKS = join(import.meta.dirname, '../../deployment/production/checks')
const redis = `pacs-lab-app-redis-${randomBytes(4).toString('hex')}`

const problem = z.object({ error: z.string() })
const identified = z.object({ id: z.string() })
const chain = z.object({ entries: z.number(), broken: z.object({ seq: z.number(), why: z.string() }).nullable() })
const report = z.object({
  versions: z.array(z.object({ text: z.string(), signatures: z.array(z.object({ problem: z.string().nullable() })) })),
})

let database: Database
let migrations: Migration[]
/** Starts an instance that reaches the database at this address. */
let start: (at: Address) => Promise<string>
let program: AppProgram
let one: string
let two: string

beforeAll(async () => {
  const [secrets, [port = 0]] = await Promise.all([makeSecrets(), freePorts(1)])
  database = await startDatabase()
  await migrate()
  await startRedis(secrets.files['secrets/redis-users.acl'] ?? '', port)
  program = await AppProgram.install()
  const env = {
    ORTHANC_URL: 'http://127.0.0.1:9',
    ORTHANC_USERNAME: 'backend',
    MONGODB_USERNAME: 'app',
    REDIS_URL: `redis://127.0.0.1:${port}`,
    REDIS_USERNAME: 'app',
  }
  const files = {
    ORTHANC_PASSWORD_FILE: 'unused',
    MONGODB_PASSWORD_FILE: database.passwords.app,
    REDIS_PASSWORD_FILE: secrets.values.redisAppPassword,
    USERS_FILE: secrets.files['secrets/app-users.json'] ?? '',
    SESSION_KEY_FILE: secrets.values.appSessionKey,
  }
  start = ({ host, port: at }) =>
    program.start({ ...env, MONGODB_URL: `mongodb://${host}:${at}/pacs?directConnection=true` }, files)
  one = await start(database)
  two = await start(database)
  for (const url of [one, two]) await ready(url)
})

afterAll(async () => {
  await program?.[Symbol.asyncDispose]()
  await docker(['rm', '-fv', redis])
  await database?.down()
})

async function migrate(): Promise<void> {
  const { host, port, passwords } = database
  const address = { host, port, database: 'pacs', username: 'migrations', password: passwords.migrations }
  await using store = await openDatabase(address)
  migrations = await loadMigrations(MIGRATIONS)
  await applyMigrations(store, migrations, {
    phase: 'expand',
    ...{ run: 'test', actor: 'test', host: 'test' },
    signal: new AbortController().signal,
    onEvent: () => undefined,
  })
}

/** @param acl the shipped file of Redis' users */
async function startRedis(acl: string, port: number): Promise<void> {
  const { image } = await ensureVendorImage('redis:8', new Progress())
  const users = acl
    .split('\n')
    .flatMap((line) => (line.startsWith('user ') ? ['--user', ...line.split(' ').slice(1)] : []))
  await docker([
    'run',
    ...['--detach', '--name', redis, '--label', `${LAB_LABEL}=${redis}`, '--user', '999:999'],
    ...['--publish', `127.0.0.1:${port}:6379`, image, 'redis-server', '--appendonly', 'yes', ...users],
  ])
}

function ready(url: string): Promise<true> {
  return waitFor('the app to be ready', async () => (await fetch(`${url}/health/ready`)).ok, 60_000)
}

/** The answer to a request of `page`, which must have this status, read by `schema`. */
async function ask<T>(
  page: Page,
  schema: z.ZodType<T>,
  status: number,
  url: string,
  body?: unknown,
  method?: 'PUT' | 'DELETE',
): Promise<T> {
  const seen = await page.ask(url, body, method)
  expect(seen.status, `${url}: ${JSON.stringify(seen.answer).slice(0, 300)}`).toBe(status)
  return schema.parse(seen.answer)
}

/** Every index that the migrations declare, with the names of the queries that it says it serves. */
async function declaredIndexes(): Promise<(IndexDeclaration & { collection: string; names: string[] })[]> {
  const declared = await Promise.all(migrations.map(({ definition }) => declarationsOf(definition)))
  return declared.flatMap(({ collections }) =>
    collections.flatMap(({ name, declaration }) =>
      (declaration.indexes ?? []).map((index) => ({
        ...index,
        collection: name,
        names: (index.serves ?? '').split(', '),
      })),
    ),
  )
}

test.each(['server', 'client'])('the types of the %s hold', async (part) => {
  expect(await checkTypes(part)).toBe('')
})

describe('the indexes of the migrations', () => {
  test('name the queries of the app, each of which the server answers by its index', async () => {
    const declared = await declaredIndexes()
    const named = declared.filter(({ expireAfterSeconds }) => expireAfterSeconds === undefined)
    const queries = Object.entries(await appQueries())
    expect(new Set(named.flatMap(({ names }) => names))).toEqual(new Set(queries.map(([name]) => name)))
    const db = (await database.connect('root')).db('pacs')
    for (const [name, { collection, index: key, unique, filter, sort, sample }] of queries) {
      const index = named.find(({ names }) => names.includes(name))
      expect([index?.collection, index?.key, index?.unique ?? false], name).toEqual([collection, key, unique])
      const values = filter(...sample)
      // The stand-in looks for values by an index, and sorts by itself.
      if (!database.real && Object.keys(values).length === 0) continue
      const plan = await db
        .collection(collection)
        .find(values, sort === null ? {} : { sort })
        .explain('queryPlanner')
      expect(indexesIn(plan), name).toContain(index?.name)
    }
  })
})

describe('two instances', () => {
  test('share the session of a person, who is logged out of both at once', async () => {
    const john = await Page.logIn(one, 'john')
    await ask(john, z.object({ user: z.literal('john') }), 200, `${two}/api/session`)
    await ask(john, z.null(), 204, `${two}/api/session`, {}, 'DELETE')
    await ask(john, problem, 401, `${one}/api/session`)
  })

  test('share the count of wrong passwords', async () => {
    const guess = async (url: string) => {
      const body = JSON.stringify({ name: 'nobody', password: 'a guess' })
      const headers = { 'content-type': 'application/json' }
      return (await fetch(`${url}/api/session`, { method: 'POST', headers, body })).status
    }
    const statuses = await Promise.all([one, two, one, two, one, two, one].map(guess))
    expect(statuses.sort()).toEqual([401, 401, 401, 401, 401, 429, 429])
  })

  test('write everything that the validators of the migrations admit, one audit chain, and no two same versions', async () => {
    const [jane, john, alan] = [
      await Page.logIn(one, 'jane'),
      await Page.logIn(two, 'john'),
      await Page.logIn(two, 'alan'),
    ]
    const finding = { study: STUDY, severity: 'critical', finding: 'Tension pneumothorax', recipient: 'john' }
    const told = Array.from({ length: 20 }, (_one, index) =>
      ask(jane, identified, 201, `${index % 2 ? one : two}/api/notifications`, finding),
    )
    const [first] = await Promise.all(told)
    const acknowledge = `/api/notifications/${first?.id}/acknowledge`
    const both = await Promise.all([john.ask(one + acknowledge, {}), jane.ask(two + acknowledge, {})])
    expect(both.map(({ status }) => status).sort()).toEqual([200, 409])

    const path = `/api/studies/${STUDY}/report`
    const draft = { text: 'A fracture.', base: 0 }
    const saves = await Promise.all([one, two].map((url) => jane.ask(url + path, draft, 'PUT')))
    expect(saves.map(({ status }) => status).sort()).toEqual([200, 409])
    const signing = { version: 1, meaning: 'author', password: 'jane in the lab' }
    await ask(jane, report, 200, `${one}${path}/sign`, signing)
    const signed = await ask(jane, report, 200, `${two}${path}/sign`, signing)
    expect(signed.versions[0]?.signatures).toEqual([{ problem: null }])
    await ask(john, identified, 201, `${one}/api/exports`, { studies: [STUDY] })

    const { entries, broken } = await ask(alan, chain, 200, `${one}/api/audit/verification`)
    expect(broken).toBeNull()
    expect(entries).toBeGreaterThanOrEqual(20 + 2 + 2 + 2 + 1 + 3)
  })
})

describe('without Orthanc', () => {
  test('the worklist says so, reports and findings go on', async () => {
    const jane = await Page.logIn(one, 'jane')
    const said = await ask(jane, problem, 503, `${one}/api/studies`)
    expect(said.error).toContain('the image archive (Orthanc) is not available')
    expect((await ask(jane, report, 200, `${one}/api/studies/${STUDY}/report`)).versions).toHaveLength(1)
    await ask(jane, z.unknown(), 200, `${one}/api/notifications`)
  })
})

describe('without Redis', () => {
  test('who is logged in goes on, nobody logs in, and after its return the session is still there', async () => {
    const jane = await Page.logIn(one, 'jane')
    await docker(['kill', redis])
    await ask(jane, report, 200, `${two}/api/studies/${STUDY}/report`)
    await expect(Page.logIn(one, 'john')).rejects.toThrow(/503 .*nobody can log in now.*Redis/)
    const away = await fetch(`${one}/api/health`)
    expect(away.status).toBe(503)
    expect(await away.json()).toMatchObject({ dependencies: { redis: 'down', mongodb: 'up' } })
    await docker(['start', redis])
    for (const url of [one, two]) await ready(url)
    await ask(jane, z.unknown(), 200, `${one}/api/session`)
  })

  test('that hangs, no request does', async () => {
    const jane = await Page.logIn(one, 'jane')
    await freeze(() => docker(['pause', redis]))
    await ask(jane, report, 200, `${one}/api/studies/${STUDY}/report`)
    await expect(Page.logIn(one, 'john')).rejects.toThrow(/503 .*Redis/)
    await docker(['unpause', redis])
    for (const url of [one, two]) await ready(url)
  })
})

describe('without MongoDB', () => {
  test('what needs it says so, and works again after its return', async (context) => {
    if (database.container === undefined) return context.skip('the given server cannot be killed')
    const jane = await Page.logIn(one, 'jane')
    await database.kill()
    const said = await ask(jane, problem, 503, `${one}/api/studies/${STUDY}/report`)
    expect(said.error).toContain('the database (MongoDB) is not available')
    await ask(jane, z.unknown(), 200, `${one}/api/session`)
    await database.start()
    for (const url of [one, two]) await ready(url)
    await ask(jane, report, 200, `${one}/api/studies/${STUDY}/report`)
  })
})

/** What each shipped check of a restored backup finds in `db`, by its name. */
async function answersOfChecks(db: Db): Promise<Record<string, readonly string[]>> {
  const names = (await readdir(CHECKS)).filter((name) => name.endsWith('.check.js')).sort()
  const answers = names.map(async (name): Promise<[string, readonly string[]]> => {
    const loaded: { default: { check(context: { db: Db }): Promise<string[]> } } = await import(join(CHECKS, name))
    return [name.replace('.check.js', ''), await loaded.default.check({ db })]
  })
  return Object.fromEntries(await Promise.all(answers))
}

describe('a hand in the database', () => {
  test('that changes a signed text or an audit entry is seen', async () => {
    const [jane, alan] = [await Page.logIn(one, 'jane'), await Page.logIn(one, 'alan')]
    const db = (await database.connect('root')).db('pacs')
    const path = `${two}/api/studies/${STUDY}/report`
    expect((await ask(jane, report, 200, path)).versions[0]?.signatures).toEqual([{ problem: null }])
    expect(await answersOfChecks(db)).toEqual({ audit: [], ledger: [], signatures: [] })
    await db.collection('reports').updateOne({ study: STUDY }, { $set: { text: 'No fracture.' } })
    const [version] = (await ask(jane, report, 200, path)).versions
    expect(version?.signatures).toEqual([{ problem: 'the record was changed after it was signed' }])
    await db.collection('auditlogs').updateOne({ seq: 7 }, { $set: { user: 'somebody' } })
    const { broken } = await ask(alan, chain, 200, `${two}/api/audit/verification`)
    expect(broken).toEqual({ seq: 7, why: 'the entry was changed after it was written' })
    // The shipped questions to a restored backup find the same.
    expect(await answersOfChecks(db)).toEqual({
      audit: ['audit entry 7 is another one than was written'],
      ledger: [],
      signatures: [
        expect.stringMatching(/^signature [0-9a-f]{24}: its report [0-9a-f]{24} is another one than was signed$/),
      ],
    })
  })

  test('that removes them is seen too, and another database is not taken for that of the app', async () => {
    const db = (await database.connect('root')).db('pacs')
    await Promise.all([
      db.collection('auditlogs').deleteOne({ seq: 7 }),
      db.collection('reports').deleteMany({ study: STUDY }),
    ])
    expect(await answersOfChecks(db)).toEqual({
      audit: ['audit entry 7 is not there'],
      ledger: [],
      signatures: [expect.stringMatching(/^signature [0-9a-f]{24}: its report [0-9a-f]{24} is not there$/)],
    })
    // Of another database every other question is answered well: nothing is in it.
    expect(await answersOfChecks(db.client.db('elsewhere'))).toEqual({
      audit: [],
      ledger: ['no migration is applied: is this the database of the application?'],
      signatures: [],
    })
  })
})

describe('all that the app asks on the wire', () => {
  test('is served by an index, and every index is asked for', async () => {
    await using wire = await startWire(database)
    const questions = new Map<string, Question>()
    const commands = new Set<string>()
    wire.watch = (command) => {
      for (const question of questionsIn(command)) questions.set(JSON.stringify(question), question)
      commands.add(Object.keys(command)[0] ?? '')
    }
    const three = await start(wire)
    await ready(three)
    const [jane, john, alan] = [
      await Page.logIn(three, 'jane'),
      await Page.logIn(three, 'john'),
      await Page.logIn(three, 'alan'),
    ]
    const finding = { study: STUDY, severity: 'urgent', finding: 'Rib fracture', recipient: 'john' }
    const { id } = await ask(jane, identified, 201, `${three}/api/notifications`, finding)
    await ask(john, identified, 200, `${three}/api/notifications/${id}/acknowledge`, {})
    const path = `${three}/api/studies/${STUDY}.1/report`
    await ask(jane, report, 200, path, { text: 'A fracture.', base: 0 }, 'PUT')
    await ask(jane, report, 200, `${path}/sign`, { version: 1, meaning: 'author', password: 'jane in the lab' })
    await ask(john, identified, 201, `${three}/api/exports`, { studies: [STUDY] })
    for (const page of ['session/history', 'exports', 'notifications', 'users']) {
      await ask(jane, z.unknown(), 200, `${three}/api/${page}`)
    }
    for (const page of ['audit', 'audit/verification']) await ask(alan, z.unknown(), 200, `${three}/api/${page}`)
    await ask(john, z.null(), 204, `${three}/api/session`, {}, 'DELETE')

    const known = ['find', 'findAndModify', 'update', 'insert', 'getMore', 'killCursors']
    expect([...commands].filter((command) => !known.includes(command))).toEqual([])
    const declared = await declaredIndexes()
    const asked = [...questions.values()].filter(({ fields }) => !fields.includes('_id'))
    const servedBy = (question: Question) =>
      declared.filter(({ collection, key }) => collection === question.collection && serves(key, question))
    expect(asked.filter((question) => servedBy(question).length === 0)).toEqual([])
    const used = new Set(asked.flatMap(servedBy).map(({ collection, name }) => `${collection} ${name}`))
    // Expired documents are asked for by the server itself.
    const named = declared.filter(({ expireAfterSeconds }) => expireAfterSeconds === undefined)
    expect(used).toEqual(new Set(named.map(({ collection, name }) => `${collection} ${name}`)))
  })
})
