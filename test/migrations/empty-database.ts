import type { Db } from 'mongodb'
import { afterAll, beforeAll, beforeEach } from 'vitest'
import {
  applyMigrations,
  type Migration,
  type OpenDatabase,
  openDatabase,
  type Phase,
} from '../../src/migrations/index.ts'
import { type Database, startDatabase } from '../lab/index.ts'
import { addressOf, clear } from './site.ts'

export const signal = new AbortController().signal
/** Who migrates, and where nobody listens. */
export const common = { run: 'run', actor: 'octocat', host: 'runner', signal, onEvent: () => undefined }

/** A real database for the tests of a file, with nothing in it before each. */
export function emptyDatabase() {
  let database: Database | undefined
  let root: Db
  let opened: OpenDatabase | undefined
  beforeAll(async () => {
    database = await startDatabase()
    root = (await database.connect('root')).db('pacs')
    opened = await openDatabase(addressOf(database))
  })
  beforeEach(() => clear(root))
  afterAll(async () => {
    await opened?.[Symbol.asyncDispose]()
    await database?.down()
  })
  return {
    /** What may do everything. */
    get root(): Db {
      return root
    },
    /** What migrations are given. */
    get store(): OpenDatabase {
      if (opened === undefined) throw new Error('the database is not open yet')
      return opened
    },
    apply(migrations: readonly Migration[], phase: Phase) {
      return applyMigrations(this.store, migrations, { ...common, phase })
    },
  }
}
