import type { Document } from 'mongodb'
import { describe, expect, it } from 'vitest'
import { writeId } from '../../../src/migrations/bson-document.ts'
import { restoreCollection } from '../../../src/migrations/collection.ts'
import type { CollectionDeclaration, IndexDeclaration, UpContext } from '../../../src/migrations/definition.ts'
import type { Migration } from '../../../src/migrations/files.ts'
import { applyMigrations, type Decision, readDecisions, undoTo } from '../../../src/migrations/index.ts'
import type { IndexState } from '../../../src/migrations/store.ts'
import { connect, MemoryDatabase } from './memory-store.ts'
import { ACTOR, afterTheLease, migration, SHORT } from './sample.ts'

const signal = new AbortController().signal
const common = { ...ACTOR, signal, onEvent: () => undefined, lease: SHORT }

const declaring = (id: string, phase: 'expand' | 'data', declared: CollectionDeclaration, name = 'reports') =>
  migration(id, {
    phase,
    description: 'x',
    up: ({ schema }) => schema.collection(name, declared),
    down: ({ schema }) => schema.restore(),
    check: async () => true,
  })

const index = (name: string): IndexDeclaration => ({ name, key: { [name]: 1 } })
const schema = (field: string) => ({ bsonType: 'object', required: [field] }) as const

const FIRST = declaring('001_first', 'expand', { schema: schema('n'), indexes: [index('old')] })
const DATA = declaring('002_data', 'data', { schema: schema('m'), dropIndexes: ['old'] })
const LATER = declaring('003_later', 'expand', { indexes: [index('author')] })
const ALL = [FIRST, DATA, LATER]

/** Both expands, then what lies between them: as a release that brings all three has it. */
async function migrated(migrations = ALL) {
  const database = new MemoryDatabase()
  const store = connect(database)
  for (const phase of ['expand', 'data'] as const) await applyMigrations(store, migrations, { ...common, phase })
  const names = () => database.collection('reports').indexes.map(({ name }) => name)
  const required = () => database.collection('reports').validation?.validator.$jsonSchema.required
  return { database, store, names, required }
}

describe('the undo of a migration whose collection was changed since', () => {
  it('keeps what a migration did that stays', async () => {
    const { store, names, required } = await migrated()
    expect([names(), required()]).toEqual([['author'], ['m']])
    await undoTo(store, ALL, '002_data', common)
    expect([names(), required()]).toEqual([[], ['m']])
  })

  it('leaves nothing of one that is undone with one of a lower number that ran after it', async () => {
    const { database, store, names, required } = await migrated()
    const undone = await undoTo(store, ALL, '001_first', common)
    expect(undone).toEqual(['002_data', '003_later'])
    expect([names(), required()]).toEqual([['old'], ['n']])
    await undoTo(store, ALL, null, common)
    expect(database.collections.has('reports')).toBe(false)
  })

  it('keeps an index that a person made meanwhile', async () => {
    const { database, store, names } = await migrated()
    database.collection('reports').indexes.push({ ...index('emergency'), options: {} })
    await undoTo(store, ALL, '001_first', common)
    expect(names().sort()).toEqual(['emergency', 'old'])
  })

  it('is refused before its first write where somebody changed the same, by name, and goes on when that is taken back', async () => {
    const { database, store, names, required } = await migrated()
    const reports = database.collection('reports')
    const { validation } = reports
    reports.validation = null
    reports.indexes.push({ name: 'old', key: { other: 1 }, options: {} })
    const { writes } = store
    await expect(undoTo(store, ALL, '001_first', common)).rejects.toThrow(
      '002_data changed the validator and index old of reports, and somebody since: make each what it was before or after 002_data',
    )
    expect(store.log.slice(writes)).toEqual(['lease.take', 'lease.release'])
    reports.indexes.pop()
    reports.validation = validation
    await undoTo(store, ALL, '001_first', common)
    expect([names(), required()]).toEqual([['old'], ['n']])
  })

  it('drops no empty collection that it created and somebody gave an index', async () => {
    const { database, store } = await migrated([FIRST])
    database.collection('reports').indexes.push({ ...index('emergency'), options: {} })
    await expect(undoTo(store, [FIRST], null, common)).rejects.toThrow(
      '001_first created reports, and somebody changed index emergency since: the undo would drop it with that',
    )
    expect(database.collections.has('reports')).toBe(true)
    database.collection('reports').indexes = []
    await undoTo(store, [FIRST], null, common)
    expect(database.collections.has('reports')).toBe(false)
  })

  it('has nothing to do where a person has taken it back already', async () => {
    const { database, store, names, required } = await migrated([FIRST, LATER])
    database.collection('reports').indexes.pop()
    await undoTo(store, [FIRST, LATER], '001_first', common)
    expect([names(), required()]).toEqual([['old'], ['n']])
  })
})

describe('the undo of a migration that mended duplicates and then made an index unique', () => {
  const mending = migration('001_mend', {
    phase: 'data',
    description: 'x',
    async up({ schema, batches }) {
      await batches({
        collection: 'reports',
        filter: { key: 'same' },
        change: ({ n }) => ({ set: { key: `own ${n}` } }),
      })
      await schema.collection('reports', { indexes: [{ ...index('key'), unique: true }, index('n')] })
    },
    async down({ schema, batches }) {
      await batches.restore()
      await schema.restore()
    },
    check: async () => true,
  })
  const seeded = () => {
    const database = new MemoryDatabase()
    database.insert(
      'reports',
      [1, 2, 3].map((n) => ({ _id: n, n, key: 'same' })),
    )
    database.collection('reports').indexes.push({ name: 'id', key: { _id: 1, n: 1 }, options: { unique: true } })
    return database
  }
  const mended = async () => {
    const database = seeded()
    await applyMigrations(connect(database), [mending], { ...common, phase: 'data' })
    expect(database.read('reports').map(({ key }) => key)).toEqual(['own 1', 'own 2', 'own 3'])
    return database
  }

  it('puts the duplicates back, dies it wherever', async () => {
    for (let write = 1; ; write += 1) {
      const database = await mended()
      const dying = connect(database, { what: 'crash', write, when: 'after' })
      const isOver = await undoTo(dying, [mending], null, common).then(
        () => true,
        () => false,
      )
      await afterTheLease(database)
      await undoTo(connect(database), [mending], null, common)
      expect(database.read('reports')).toEqual(seeded().read('reports'))
      expect(database.collection('reports').indexes.map(({ name }) => name)).toEqual(['id'])
      expect([database.ledger.size, database.images.size]).toEqual([0, 0])
      if (isOver) break
      expect(write).toBeLessThan(50)
    }
  })

  it('keeps a unique index that was there, or that somebody made since', async () => {
    const database = await mended()
    const since = { name: 'since', key: { n: 1, key: 1 }, options: { unique: true } }
    database.collection('reports').indexes.push(since)
    const store = connect(database)
    await undoTo(store, [mending], null, common)
    expect(database.collection('reports').indexes.map(({ name }) => name)).toEqual(['id', 'since'])
    expect(store.log.filter((what) => what.startsWith('drop'))).toEqual(['drop reports key', 'drop reports n'])
  })
})

describe('the undo of a migration that replaced a unique index', () => {
  const numbered = declaring('001_number', 'expand', { indexes: [{ ...index('number'), unique: true }] }, 'studies')
  const replacing = (down: (context: UpContext) => Promise<void>, walk?: Parameters<UpContext['batches']>[0]) =>
    migration('002_site', {
      phase: 'data',
      description: 'x',
      async up({ schema, batches }) {
        const indexes = [{ name: 'site_number', key: { site: 1, number: 1 }, unique: true } as const]
        await schema.collection('studies', { indexes, dropIndexes: ['number'] })
        if (walk !== undefined) await batches(walk)
      },
      down,
      check: async () => true,
    })
  const replaced = async (migrations: Migration[], ...documents: { site: string; number: number }[]) => {
    const database = new MemoryDatabase()
    const store = connect(database)
    const insert = () =>
      database.insert(
        'studies',
        documents.map((one, _id) => ({ _id, ...one })),
      )
    await applyMigrations(store, migrations, { ...common, phase: 'expand' })
    if (migrations.includes(WALKING)) insert()
    await applyMigrations(store, migrations, { ...common, phase: 'data' })
    if (!migrations.includes(WALKING)) insert()
    const names = () => database.collection('studies').indexes.map(({ name }) => name)
    expect(names()).toEqual(['site_number'])
    return { database, names, store: connect(database) }
  }
  const TWINS = [
    { site: 'a', number: 17 },
    { site: 'b', number: 17 },
  ]
  const restoringBoth = async ({ schema, batches }: UpContext) => {
    await batches.restore()
    await schema.restore()
  }
  const WALKING = replacing(restoringBoth, { collection: 'studies', change: () => ({ set: { number: 17 } }) })

  it('is refused before its first write where duplicates came since, by name, and goes on when they are mended', async () => {
    const all = [numbered, replacing(({ schema }) => schema.restore())]
    const { database, names, store } = await replaced(all, ...TWINS)
    for (const askOnly of [true, false]) {
      await expect(undoTo(store, all, '001_number', { ...common, askOnly })).rejects.toMatchObject({
        kind: 'refused',
        message: 'studies: 1 values stand more than once, so number cannot be unique; mend them first',
      })
    }
    expect(new Set(store.log)).toEqual(new Set(['lease.take', 'lease.release']))
    database.insert('studies', [{ _id: 1, site: 'b', number: 18 }])
    await undoTo(store, all, '001_number', common)
    expect(names()).toEqual(['number'])
    expect(store.log.filter((what) => what.includes('studies'))).toEqual([
      'indexes studies',
      'drop studies site_number',
    ])
  })

  it('keeps the new one where the old one cannot be built, and says the way out', async () => {
    const own = ({ db, schema }: UpContext) => {
      expect(db).toBeDefined()
      return schema.restore()
    }
    const all = [numbered, replacing(own)]
    const { names, store } = await replaced(all, ...TWINS)
    const refusal = expect(undoTo(store, all, '001_number', common)).rejects
    await refusal.toThrow(/^undo of 002_site is half done: studies: 1 values stand more than once, .*; then ask for it/)
    // One that comes once they were counted is met by the build.
    store.catalog.countDuplicates = async () => 0
    await expect(undoTo(store, all, '001_number', common)).rejects.toThrow(
      /^undo of 002_site: .* to continue, or, to stay with 002_site, say "pacs-agent migrate mark 002_site applied\|pending/,
    )
    expect(names()).toEqual(['site_number'])
  })

  const filled = async (walk: Parameters<UpContext['batches']>[0], migrations: readonly Migration[] = []) => {
    const all = [numbered, replacing(restoringBoth, walk), ...migrations]
    const database = new MemoryDatabase()
    const store = connect(database)
    await applyMigrations(store, all, { ...common, phase: 'expand' })
    for (const name of ['studies', 'others']) {
      database.insert(
        name,
        [1, 2].map((number) => ({ _id: number, number })),
      )
    }
    await applyMigrations(store, all, { ...common, phase: 'data' })
    const names = () => database.collection('studies').indexes.map(({ name }) => name)
    return { all, database, names, store: connect(database) }
  }
  const other = migration('003_other', {
    phase: 'data',
    description: 'x',
    up: ({ batches }) => batches({ collection: 'others', change: () => ({ set: { number: 17 } }) }),
    down: ({ batches }) => batches.restore(),
    check: async () => true,
  })

  it.each<[string, string, readonly Migration[]]>([
    ['go back in another collection', 'others', []],
    ['go back in another collection by another migration', 'others', [other]],
    ['go back without a field of its keys', 'studies', []],
  ])('is refused before its first write for duplicates where documents %s', async (_what, collection, migrations) => {
    const walk = { collection, change: ({ number }: Document) => ({ set: { site: `s${number}` } }) }
    const { all, database, names, store } = await filled(walk, migrations)
    database.insert('studies', [{ _id: 3, site: 'other', number: 2 }])
    await expect(undoTo(store, all, '001_number', common)).rejects.toMatchObject({
      kind: 'refused',
      message: 'studies: 1 values stand more than once, so number cannot be unique; mend them first',
    })
    expect(new Set(store.log)).toEqual(new Set(['lease.take', 'lease.release']))
    expect(names()).toEqual(['site_number'])
    database.insert('studies', [{ _id: 3, site: 'other', number: 3 }])
    await undoTo(store, all, '001_number', common)
    expect([names(), database.read('studies').map((one) => one.number)]).toEqual([['number'], [1, 2, 3]])
  })

  it('is not for duplicates that go with what is put back', async () => {
    const walk = { collection: 'studies', change: ({ number }: Document) => ({ set: { site: `s${number}` } }) }
    const { all, database, names, store } = await filled(walk)
    database.insert('studies', [
      { _id: 1, site: 's1', number: 5 },
      { _id: 3, number: 5 },
    ])
    await undoTo(store, all, '001_number', { ...common, decide: () => 'restore' })
    expect([names(), database.read('studies').map((one) => one.number)]).toEqual([['number'], [1, 2, 5]])
  })

  it('puts documents back before it asks for duplicates among them', async () => {
    const all = [numbered, WALKING]
    const { database, names, store } = await replaced(all, { site: 'a', number: 1 }, { site: 'b', number: 2 })
    expect(database.read('studies').map(({ number }) => number)).toEqual([17, 17])
    await undoTo(store, all, '001_number', common)
    expect([names(), database.read('studies').map(({ number }) => number)]).toEqual([['number'], [1, 2]])
  })

  it('drops first what has the name or the keys of an index that comes back', async () => {
    const database = new MemoryDatabase()
    const store = connect(database)
    const indexes = [
      { name: 'one', key: { a: 1 }, options: {} },
      { name: 'two', key: { c: 1 }, options: { unique: true } },
    ]
    const image = { collection: 'studies', before: { options: {}, validation: null, indexes } }
    database.collection('studies').indexes = [
      { name: 'one', key: { a: 1, b: 1 }, options: {} },
      { name: 'other', key: { c: 1 }, options: {} },
    ]
    await restoreCollection(store.catalog, '002_site', image)
    expect(database.collection('studies').indexes).toEqual(indexes)
    expect(store.log).toEqual(['drop studies one', 'drop studies other', 'indexes studies'])
  })

  it.each<[string, IndexState['key']]>([
    ['as it was declared', { words: 'text' }],
    ['as a server reports it', { _fts: 'text', _ftsx: 1 }],
  ])('drops first the text index that replaced one, %s', async (_how, key) => {
    const database = new MemoryDatabase()
    const store = connect(database)
    const indexes = [{ name: 'one', key: { title: 'text' }, options: {} }] as const
    const image = { collection: 'studies', before: { options: {}, validation: null, indexes: [...indexes] } }
    database.collection('studies').indexes = [{ name: 'other', key, options: {} }]
    await restoreCollection(store.catalog, '002_site', image)
    expect(database.collection('studies').indexes).toEqual(indexes)
  })
})

describe('the undo of a migration that created a collection and filled it', () => {
  const splitting = (database: MemoryDatabase, down: (context: UpContext) => Promise<void>) =>
    migration('001_split', {
      phase: 'data',
      description: 'x',
      async up({ schema }) {
        await schema.collection('findings', { indexes: [index('study')] })
        database.insert('findings', [{ _id: 1 }, { _id: 2 }])
      },
      down,
      check: async () => true,
    })
  /** An author's own call: the memory store has no driver. */
  const empty = ({ db }: UpContext, database: MemoryDatabase, ids: number[]) => {
    expect(db).toBeDefined()
    for (const id of ids) database.collection('findings').documents.delete(writeId(id))
  }
  const split = async (down: (context: UpContext, database: MemoryDatabase) => Promise<void>) => {
    const database = new MemoryDatabase()
    const migrations = [splitting(database, (context) => down(context, database))]
    await applyMigrations(connect(database), migrations, { ...common, phase: 'data' })
    return { database, migrations, store: connect(database) }
  }

  it('drops it once its down has emptied it', async () => {
    const { database, migrations, store } = await split(async (context, database) => {
      empty(context, database, [1, 2])
      await context.schema.restore()
    })
    await undoTo(store, migrations, null, common)
    expect([database.collections.has('findings'), database.ledger.size]).toEqual([false, 0])
  })

  it('drops none of what its down leaves, and is failed, since it has begun', async () => {
    const { database, migrations, store } = await split(async (context, database) => {
      empty(context, database, [1])
      await context.schema.restore()
    })
    await expect(undoTo(store, migrations, null, common)).rejects.toMatchObject({
      kind: 'failed',
      message:
        'undo of 001_split is half done: findings has 1 documents since it was created: the undo would drop them; move or remove them first; then ask for it again, or, to stay with 001_split, say "pacs-agent migrate mark 001_split applied|pending --reason …": what is pending runs again',
    })
    expect(database.read('findings')).toEqual([{ _id: 2 }])
    expect(database.ledger.get('001_split')?.state).toBe('rolling-back')
    database.collection('findings').documents.clear()
    await undoTo(connect(database), migrations, null, common)
    expect([database.collections.has('findings'), database.ledger.size]).toEqual([false, 0])
  })

  it('is refused before its first write where its down only puts back what is kept', async () => {
    const { database, migrations, store } = await split(({ schema }) => schema.restore())
    await expect(undoTo(store, migrations, null, common)).rejects.toMatchObject({ kind: 'refused' })
    expect(store.log).toEqual(['lease.take', 'lease.release'])
    expect(database.ledger.get('001_split')?.state).toBe('applied')
  })
})

describe('the undo of several migrations', () => {
  const walking = (id: string, collection: string, field: string, down?: (context: UpContext) => Promise<void>) =>
    migration(id, {
      phase: 'data',
      description: 'x',
      up: ({ batches }) =>
        batches({ collection, filter: { [field]: { $exists: false } }, change: () => ({ set: { [field]: 1 } }) }),
      down: down ?? (({ batches }) => batches.restore()),
      check: async () => true,
    })
  const ran = async (...migrations: Migration[]) => {
    const database = new MemoryDatabase()
    for (const name of ['a', 'b']) database.insert(name, [{ _id: 1 }, { _id: 2 }])
    await applyMigrations(connect(database), migrations, { ...common, phase: 'data' })
    return { database, store: connect(database) }
  }

  it('is refused before its first write where an older one is undecided', async () => {
    const all = [walking('001_a', 'a', 'w'), walking('002_b', 'b', 'w')]
    const { database, store } = await ran(...all)
    database.insert('a', [{ _id: 1, w: 2 }])
    await expect(undoTo(store, all, null, common)).rejects.toMatchObject({
      kind: 'refused',
      message: '001_a: 1 documents were edited after it wrote them; decide for each: keep or restore\na 1',
    })
    const decided = { ...common, decide: (): Decision => 'keep' }
    expect(await undoTo(store, all, null, { ...decided, askOnly: true })).toEqual([])
    expect(new Set(store.log)).toEqual(new Set(['lease.take', 'lease.release']))
    expect(await undoTo(store, all, null, decided)).toEqual(['002_b', '001_a'])
    expect([database.read('a'), database.read('b')]).toEqual([
      [{ _id: 1, w: 2 }, { _id: 2 }],
      [{ _id: 1 }, { _id: 2 }],
    ])
  })

  describe('with a decision about nothing', () => {
    const all = [walking('001_a', 'a', 'w'), walking('002_b', 'b', 'w')]
    const edited = async (...migrations: Migration[]) => {
      const { database } = await ran(...migrations)
      database.insert('a', [{ _id: 1, w: 2 }])
      return database
    }

    it.each([
      ['that is not there', 'a 11', null],
      ['that nobody edited', 'a 2', null],
      ['of a collection without one', 'b', null],
      ['of a single migration', 'a 11', '001_a'],
    ])('is refused before its first write for a document %s', async (_what, useless, of) => {
      const migrations = of === null ? all : all.slice(0, 1)
      const database = await edited(...migrations)
      const store = connect(database)
      const decided = { ...common, ...readDecisions([useless], ['a']) }
      await expect(undoTo(store, migrations, null, decided)).rejects.toMatchObject({
        kind: 'refused',
        message: expect.stringMatching(new RegExp(`^${useless}: nothing is to be decided about it, [^\\n]+$`)),
      })
      expect(new Set(store.log)).toEqual(new Set(['lease.take', 'lease.release']))
      expect(database.read('a')).toEqual([
        { _id: 1, w: 2 },
        { _id: 2, w: 1 },
      ])
    })

    const indexing = async ({ batches, schema }: UpContext) => {
      await batches.restore()
      await schema.collection('a', { indexes: [index('w')] })
    }
    it.each<[string, Migration[]]>([
      ['all is foreseen', all],
      ['one keeps what a collection was', [walking('001_a', 'a', 'w', indexing), ...all.slice(1)]],
    ])('goes on wherever it was cut, when what was decided about is put back and %s', async (_what, all) => {
      const ask = (store: ReturnType<typeof connect>) =>
        undoTo(store, all, null, { ...common, ...readDecisions(['a 1'], ['b 1']) })
      let cuts = 0
      for (let write = 1; ; write += 1) {
        const database = await edited(...all)
        database.insert('b', [{ _id: 1, w: 2 }])
        const cut = await ask(connect(database, { what: 'crash', write, when: 'after' })).then(
          () => false,
          () => true,
        )
        if (!cut) break
        cuts += 1
        await afterTheLease(database)
        await ask(connect(database))
        expect([database.read('a')[0], database.read('b')[0], database.ledger.size]).toEqual([
          { _id: 1, w: 2 },
          { _id: 1 },
          0,
        ])
      }
      expect(cuts).toBeGreaterThan(5)
    })

    it('is refused where it is typed for an undo that has begun with others, until it is left out', async () => {
      let edit: () => void = () => undefined
      const own = async ({ db, batches }: UpContext) => {
        expect(db).toBeDefined()
        edit()
        await batches.restore()
      }
      const some = [walking('001_a', 'a', 'w'), walking('002_b', 'b', 'w', own)]
      const { database } = await ran(...some)
      edit = () => database.insert('a', [{ _id: 1, w: 2 }])
      database.insert('b', [{ _id: 1, w: 2 }])
      const ask = (keep: string[], restore: string[]) =>
        undoTo(connect(database), some, null, { ...common, ...readDecisions(keep, restore) })
      await expect(ask([], ['b'])).rejects.toThrow(
        /^undone: 002_b \(ask again, it continues\); then 001_a: 1 documents/,
      )
      for (const [keep, restore, useless] of [
        ['a 11', ['a'], 'a 11'],
        ['a 1', ['b'], 'b'],
      ] as const) {
        await expect(ask([keep], [...restore])).rejects.toMatchObject({
          kind: 'refused',
          message: expect.stringMatching(new RegExp(`^${useless}: .* leave it out`)),
        })
        expect(database.read('a')[0]).toEqual({ _id: 1, w: 2 })
      }
      expect(await ask(['a 1'], [])).toEqual(['001_a'])
      expect(database.read('a')).toEqual([{ _id: 1, w: 2 }, { _id: 2 }])
    })

    it('is refused after another undo has ended', async () => {
      const database = await edited(...all)
      await undoTo(connect(database), all, '001_a', common)
      const decided = { ...common, ...readDecisions(['a 11'], ['a']) }
      await expect(undoTo(connect(database), all, null, decided)).rejects.toMatchObject({ kind: 'refused' })
    })

    it('is not where its documents may be edited by a newer one', async () => {
      const own = async ({ db, batches }: UpContext) => {
        expect(db).toBeDefined()
        await batches.restore()
      }
      const some = [walking('001_a', 'a', 'w'), walking('002_b', 'b', 'w', own)]
      const { database } = await ran(...some)
      const ask = (...keep: string[]) =>
        undoTo(connect(database), some, null, { ...common, ...readDecisions(keep, []) })
      await expect(ask('a 11')).rejects.toMatchObject({ kind: 'refused' })
      expect(await ask('a 1', 'b')).toEqual(['002_b', '001_a'])
    })
  })

  it('is not where a newer one edited the documents of an older', async () => {
    const all = [walking('001_a', 'a', 'w'), walking('002_a', 'a', 'x'), walking('003_a', 'a', 'y')]
    const { database, store } = await ran(...all)
    await undoTo(store, all, null, common)
    expect(database.read('a')).toEqual([{ _id: 1 }, { _id: 2 }])
  })

  it('is refused before its first write where somebody changed a collection that an older one made', async () => {
    const all = [FIRST, DATA]
    const { database, store } = await migrated(all)
    database.insert('reports', [{ _id: 1, m: 1 }])
    const { writes } = store
    await expect(undoTo(store, all, null, common)).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringMatching(/^reports has 1 documents since it was created/),
    })
    expect(store.log.slice(writes)).toEqual(['lease.take', 'lease.release'])
  })

  it('is failed, and says what is undone, where only that shows what an older one is refused for', async () => {
    let edit: () => void = () => undefined
    const own = async ({ db, batches }: UpContext) => {
      expect(db).toBeDefined()
      edit()
      await batches.restore()
    }
    const all = [walking('001_a', 'a', 'w'), walking('002_b', 'b', 'w', own)]
    const { database, store } = await ran(...all)
    edit = () => database.insert('a', [{ _id: 1, w: 2 }])
    await expect(undoTo(store, all, null, common)).rejects.toMatchObject({
      kind: 'failed',
      message:
        'undone: 002_b (ask again, it continues); then 001_a: 1 documents were edited after it wrote them; decide for each: keep or restore\na 1',
    })
    expect([...database.ledger.values()].map(({ _id, state }) => [_id, state])).toEqual([['001_a', 'applied']])
    expect(await undoTo(store, all, null, { ...common, decide: () => 'restore' })).toEqual(['001_a'])
  })

  it('asks nothing of an older one that the code of a newer may have edited', async () => {
    const own = async ({ db }: UpContext) => {
      expect(db).toBeDefined()
      database.insert('a', [{ _id: 1, w: 1 }])
    }
    const all = [walking('001_a', 'a', 'w'), walking('002_b', 'b', 'w', own)]
    const { database, store } = await ran(...all)
    database.insert('a', [{ _id: 1, w: 2 }])
    expect(await undoTo(store, all, null, common)).toEqual(['002_b', '001_a'])
  })
})
