import { BSON, type Document, MongoServerError } from 'mongodb'
import { describe, expect, it } from 'vitest'
import { writeId } from '../../../src/migrations/bson-document.ts'
import type { BatchesDeclaration, UpContext } from '../../../src/migrations/definition.ts'
import { applyMigrations, mark, planMigrations, undoTo } from '../../../src/migrations/index.ts'
import type { Store } from '../../../src/migrations/store.ts'
import { connect, type Fault, MemoryDatabase } from './memory-store.ts'
import { ACTOR, afterTheLease, migration, SHORT } from './sample.ts'

const signal = new AbortController().signal
const common = { ...ACTOR, signal, onEvent: () => undefined, lease: SHORT }

function walking(declaration: BatchesDeclaration, check = async () => true) {
  return [
    migration('001_walk', {
      phase: 'data',
      description: 'x',
      up: ({ batches }) => batches(declaration),
      down: ({ batches }) => batches.restore(),
      check,
    }),
  ]
}

const apply = (store: Store, declaration: BatchesDeclaration) =>
  applyMigrations(store, walking(declaration), { ...common, phase: 'data' })

function five(): MemoryDatabase {
  const database = new MemoryDatabase()
  database.insert(
    'x',
    [1, 2, 3, 4, 5].map((n) => ({ _id: n, n })),
  )
  return database
}

/** Before the first update reaches the documents, someone else does `edit`. */
function edited(database: MemoryDatabase, edit: () => void): Store {
  const store = connect(database)
  let isDone = false
  const { documents } = store
  return {
    ...store,
    documents: {
      ...documents,
      update(collection, updates) {
        if (!isDone) edit()
        isDone = true
        return documents.update(collection, updates)
      },
    },
  }
}

/** Between the first pass over the documents and the sweep after it, someone else does `edit`. */
function afterPass(database: MemoryDatabase, edit: () => void, fault: Fault | null = null): Store {
  const store = connect(database, fault)
  let isDone = false
  const { documents } = store
  return {
    ...store,
    documents: {
      ...documents,
      matches(collection, filter) {
        if (!isDone) edit()
        isDone = true
        return documents.matches(collection, filter)
      },
    },
  }
}

/** `store`, where each update is counted as it comes and waits for `gate`. */
function gated(store: Store, begun: number[], gate: (update: number) => Promise<void>): Store {
  const { documents } = store
  return {
    ...store,
    documents: {
      ...documents,
      async update(collection, updates) {
        const update = begun.push(updates.length)
        await gate(update)
        return documents.update(collection, updates)
      },
    },
  }
}

describe('two batches', () => {
  const declaration: BatchesDeclaration = { collection: 'x', size: 1, change: ({ n }) => ({ set: { double: n * 2 } }) }

  it('are under way at once, and are recorded in order', async () => {
    const database = five()
    const store = connect(database)
    const recorded: unknown[] = []
    const { put } = store.ledger
    store.ledger.put = (entry, expected) => {
      recorded.push(entry.progress.x?.done ?? 'begun')
      return put(entry, expected)
    }
    const begun: number[] = []
    const first = Promise.withResolvers<void>()
    const done = apply(
      gated(store, begun, async (update) => {
        if (update === 1) await first.promise
      }),
      declaration,
    )
    for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate)
    expect(begun).toEqual([1, 1])
    expect(database.read('x').map(({ double }) => double)).toEqual([undefined, 4, undefined, undefined, undefined])
    expect(database.ledger.get('001_walk')?.progress).toEqual({})
    first.resolve()
    await done
    expect(database.read('x').map(({ double }) => double)).toEqual([2, 4, 6, 8, 10])
    // Then a sweep of five batches that have nothing left, and the end.
    expect(recorded).toEqual(['begun', 1, 2, 3, 4, 5, 5, 5, 5, 5, 5, 5])
  })

  it('come one after another where there is a pause between', async () => {
    const begun: number[] = []
    let atOnce = 0
    await apply(
      gated(connect(five()), begun, async () => {
        atOnce += 1
        expect(atOnce).toBe(1)
        await new Promise(setImmediate)
        atOnce -= 1
      }),
      { ...declaration, pause: 1 },
    )
    expect(begun).toHaveLength(5)
  })

  it('are both at their end before a refusal of one is told, and nothing begins after it', async () => {
    const database = five()
    const begun: number[] = []
    const second = Promise.withResolvers<void>()
    let isTold = false
    const applied = apply(
      gated(connect(database), begun, async (update) => {
        if (update === 1) throw new Error('no')
        await second.promise
      }),
      declaration,
    ).finally(() => {
      isTold = true
    })
    applied.catch(() => undefined)
    for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate)
    expect([begun, isTold]).toEqual([[1, 1], false])
    second.resolve()
    await expect(applied).rejects.toThrow('no')
    expect(begun).toEqual([1, 1])
    // The second was written, and is not done: it counts from the last that was recorded.
    expect(database.ledger.get('001_walk')).toMatchObject({ state: 'failed', progress: {} })
    await apply(connect(database), declaration)
    expect(database.read('x').map(({ double }) => double)).toEqual([2, 4, 6, 8, 10])
  })
})

describe('a run whose lease was someone else’s meanwhile', () => {
  it('reads the ledger again, and does nothing twice', async () => {
    const database = five()
    const migrations = walking({ collection: 'x', change: ({ n }) => ({ set: { n: n + 1 } }) })
    const store = connect(database)
    const late: Store = {
      ...store,
      lease: {
        ...store.lease,
        async take(...asked) {
          await applyMigrations(connect(database), migrations, { ...common, phase: 'data' })
          return store.lease.take(...asked)
        },
      },
    }
    expect(await applyMigrations(late, migrations, { ...common, phase: 'data' })).toEqual({ applied: [], waiting: [] })
    expect(database.read('x').map(({ n }) => n)).toEqual([2, 3, 4, 5, 6])
  })
})

describe('a document with a value that the driver cannot write back', () => {
  const DATE = Buffer.from('ffffffffffffff7f', 'hex')
  const POINTER = Buffer.concat([Buffer.from([2, 0, 0, 0]), Buffer.from('x\0'), Buffer.alloc(12)])

  it.each([
    ['undefined', 0x06, Buffer.alloc(0)],
    ['a DBPointer', 0x0c, POINTER],
    ['a date beyond those of JavaScript', 0x09, DATE],
  ])(
    '(%s) is refused by name before its batch is written, and changed without before-images',
    async (_what, type, value) => {
      const database = five()
      const bytes = Buffer.concat([
        BSON.serialize({ _id: 3, n: 3 }).subarray(0, -1),
        Buffer.from([type]),
        Buffer.from('old\0'),
        value,
        Buffer.alloc(1),
      ])
      bytes.writeInt32LE(bytes.length)
      database.collection('x').documents.set(writeId(3), bytes)
      const change = ({ n }: Document) => ({ set: { double: n * 2 }, unset: ['old'] })
      await expect(apply(connect(database), { collection: 'x', change })).rejects.toThrow(
        'x 3: the driver cannot write its field old back as it is, so that no undo could: mend it, or say beforeImages: false',
      )
      expect(database.read('x').map(({ double }) => double)).toEqual(Array(5).fill(undefined))
      expect(database.images.size).toBe(0)
      await apply(connect(database), { collection: 'x', change, beforeImages: false })
      expect(database.read('x')).toContainEqual({ _id: 3, n: 3, double: 6 })
    },
  )

  it('leaves one alone that holds a DBRef', async () => {
    const database = five()
    database.insert('x', [{ _id: 3, n: 3, old: new BSON.DBRef('y', new BSON.ObjectId()) }])
    await apply(connect(database), { collection: 'x', change: ({ n }) => ({ set: { double: n * 2 } }) })
    expect(database.read('x').map(({ double }) => double)).toEqual([2, 4, 6, 8, 10])
  })
})

describe('a change that sets what BSON would leave out or make something else', () => {
  it.each([
    ['undefined', 'born', () => ({ set: { born: undefined } })],
    ['undefined', 'patient.born', () => ({ set: { n: 1, patient: { name: 'Ann', born: undefined } } })],
    ['undefined', 'list.0', () => ({ set: { list: new Array(2) } })],
    ['undefined', 'map.a.0', () => ({ set: { map: new Map([['a', [undefined]]]) } })],
    ['an invalid Date', 'seen.0.at', () => ({ set: { seen: [{ at: new Date('1950-02-30x') }] } })],
    ['a function', 'name', () => ({ set: { name: () => 'Ann' } })],
    ['a symbol', 'name', () => ({ set: { name: Symbol('Ann') } })],
    ['a Promise', 'hash', () => ({ set: { hash: Promise.resolve('Ann') } })],
    ['a Set', 'tags', () => ({ set: { tags: new Set(['Ann']) } })],
    ['an integer of more than 64 bits', 'big', () => ({ set: { big: 2n ** 63n } })],
    ['half a character', 'names.0', () => ({ set: { names: ['Ann 😀'.slice(0, 5)] } })],
  ])('(%s at %s) is refused by name, without a value, before its batch is written', async (what, path, change) => {
    const database = five()
    const declaration = { collection: 'x', change: ({ n }: Document) => (n === 3 ? change() : { set: { done: true } }) }
    for (const beforeImages of [true, false]) {
      await expect(apply(connect(database), { ...declaration, beforeImages })).rejects.toMatchObject({
        kind: 'failed',
        message: `001_walk: x 3: change sets ${path} to ${what}, which the database cannot hold: leave the field out, or write null`,
      })
      expect(database.read('x')).toEqual(five().read('x'))
      expect(database.images.size).toBe(0)
    }
  })

  it('writes what BSON has a type for, at any depth', async () => {
    const database = five()
    const { Long, ObjectId, UUID } = BSON
    const value = {
      at: new Date(0),
      no: null,
      list: [1, 'a', { b: false }],
      map: new Map([['1', 2n ** 63n - 1n]]),
      bytes: Buffer.from('a'),
      like: /a/i,
      others: [new ObjectId(), Long.fromNumber(1), new UUID()],
    }
    await apply(connect(database), { collection: 'x', change: () => ({ set: { value } }) })
    expect(database.read('x').map((one) => Object.keys(one.value).length)).toEqual(Array(5).fill(7))
  })
})

describe('batches', () => {
  it('loses no edit that happens between its read and its write', async () => {
    const database = five()
    const store = edited(database, () => database.insert('x', [{ _id: 2, n: 20 }]))
    await apply(store, { collection: 'x', change: ({ n }) => ({ set: { double: n * 2 } }) })
    expect(database.read('x').map(({ double }) => double)).toEqual([2, 40, 6, 8, 10])
  })

  const words = (...texts: string[]) => texts.join(' ').trim().split(' ').length
  it.each<[string, BatchesDeclaration['change']]>([
    ['with a default', ({ text, more = '' }) => ({ set: { words: words(text, more) } })],
    ['by "in"', (one) => ({ set: { words: words(one.text, 'more' in one ? one.more : '') } })],
    ['by hasOwn', (one) => ({ set: { words: words(one.text, Object.hasOwn(one, 'more') ? one.more : '') } })],
    [
      'before it copies it',
      (one) => ({ set: { words: words(one.text, one.more ?? '', structuredClone(one).text) - 2 } }),
    ],
  ])('loses none of a field that change asks for %s and that is added meanwhile', async (_how, change) => {
    const database = new MemoryDatabase()
    database.insert('x', [{ _id: 1, text: 'a b' }])
    const store = edited(database, () => database.insert('x', [{ _id: 1, text: 'a b', more: 'c d e' }]))
    await apply(store, { collection: 'x', filter: { words: { $exists: false } }, change })
    expect(database.read('x')).toEqual([{ _id: 1, text: 'a b', more: 'c d e', words: 5 }])
  })

  it('takes what change makes of the document itself where it meets by null that its copy is refused', async () => {
    const database = five()
    const change = (one: Document) => {
      try {
        return { set: { double: structuredClone(one).n * 2 } }
      } catch {
        return null
      }
    }
    await apply(connect(database), { collection: 'x', change })
    expect(database.read('x').map(({ double }) => double)).toEqual([2, 4, 6, 8, 10])
  })

  it('reads a document again only for fields that change asks for', async () => {
    const database = five()
    const updates: Document[] = []
    const store = connect(database)
    const { documents } = store
    store.documents = {
      ...documents,
      update(collection, list) {
        updates.push(...list.map(({ guard }) => guard))
        return documents.update(collection, list)
      },
    }
    const change = (one: Document) => {
      const { n, ...rest } = one
      const lookedUp = [one.then, one.toString(), Symbol.iterator in one, Object.hasOwn(one, 'n'), JSON.stringify(one)]
      return { set: { all: { ...one, one, rest }, done: lookedUp.length + n } }
    }
    await apply(store, { collection: 'x', filter: { done: { $exists: false } }, change })
    expect(updates[0]).toEqual({ all: { $exists: false }, done: { $exists: false }, n: 1 })
    expect(database.read('x')[0]).toEqual({
      _id: 1,
      n: 1,
      all: { _id: 1, n: 1, one: { _id: 1, n: 1 }, rest: { _id: 1 } },
      done: 6,
    })
  })

  it.each([5000, 2_000_000])('loses none of a text of %i characters either', async (length) => {
    const database = five()
    database.insert('x', [{ _id: 2, n: 2, text: ' '.repeat(length) }])
    const store = edited(database, () => database.insert('x', [{ _id: 2, n: 2, text: `${'y'.repeat(length)} ` }]))
    const change = ({ text }: Document) => (text === undefined ? null : { set: { text: String(text).trim() } })
    await apply(store, { collection: 'x', change })
    expect(database.read('x').map(({ text }) => text)[1]).toBe('y'.repeat(length))
  })

  it('go on with a server that goes away in the middle of one and comes back', async () => {
    const database = five()
    let isAway = true
    const store = gated(connect(database), [], async () => {
      if (isAway) {
        isAway = false
        throw new MongoServerError({ message: 'interrupted at shutdown', code: 11600 })
      }
    })
    await apply(store, { collection: 'x', size: 2, change: ({ n }) => ({ set: { double: n * 2 } }) })
    expect(database.read('x').map(({ double }) => double)).toEqual([2, 4, 6, 8, 10])
    expect(database.history.map(({ event }) => event)).not.toContain('failed')
  })

  it('leaves a document alone that was deleted meanwhile, and keeps no image of it', async () => {
    const database = five()
    const store = edited(database, () => database.collections.get('x')?.documents.delete('{"id":{"$numberInt":"2"}}'))
    await apply(store, { collection: 'x', change: ({ n }) => ({ set: { double: n * 2 } }) })
    expect(database.read('x')).toHaveLength(4)
    expect(database.images.size).toBe(4)
  })

  it('finds what an old release writes behind its back', async () => {
    const database = five()
    const filter = { double: { $exists: false } }
    const store = edited(database, () => database.insert('x', [{ _id: 0, n: 50 }]))
    await apply(store, { collection: 'x', filter, change: ({ n }) => ({ set: { double: n * 2 } }) })
    expect(database.read('x').every(({ n, double }) => double === n * 2)).toBe(true)
  })

  it('ends with the reason when the old release never stops', async () => {
    const database = five()
    const store = connect(database)
    const filter = { done: { $exists: false } }
    let next = 100
    const { documents } = store
    const update: typeof documents.update = async (collection, updates) => {
      database.insert('x', [{ _id: next++, n: 1 }])
      return documents.update(collection, updates)
    }
    const busy: Store = { ...store, documents: { ...documents, update } }
    await expect(apply(busy, { collection: 'x', filter, change: () => ({ set: { done: true } }) })).rejects.toThrow(
      /end the release that writes them first/,
    )
  })

  it('refuses a change without before-images that would do more the second time', async () => {
    await expect(
      apply(connect(five()), { collection: 'x', beforeImages: false, change: ({ n }) => ({ set: { n: n + 1 } }) }),
    ).rejects.toThrow(/return null for a document that is done/)
  })

  it.each([
    ['_id', { set: { _id: 7 } }],
    ['a path', { set: { 'a.b': 1 } }],
    ['an operator', { unset: ['$x'] }],
  ])('refuses to set %s', async (_what, change) => {
    await expect(apply(connect(five()), { collection: 'x', change: () => change })).rejects.toThrow(/top-level field/)
  })
})

describe('a walk without before-images that fetches only what change reads', () => {
  const fields = (database: MemoryDatabase) => database.read('x').map(({ _id, ...rest }) => rest)
  const counted = (database: MemoryDatabase) => database.ledger.get('001_walk')?.progress.x?.done

  it.each([
    ['by a filter', { name: { $exists: true } }],
    ['without one', {}],
  ])('removes a field that it does not fetch, %s, and counts the documents that had it', async (_how, filter) => {
    const database = five()
    database.insert('x', [
      { _id: 2, n: 2, name: 'Ann' },
      { _id: 4, n: 4, name: 'Bob', born: 1950 },
    ])
    const change = () => ({ unset: ['name', 'born'] })
    await apply(connect(database), { collection: 'x', filter, beforeImages: false, reads: [], change, size: 2 })
    expect(fields(database)).toEqual([1, 2, 3, 4, 5].map((n) => ({ n })))
    expect(counted(database)).toBe(2)
  })

  it('removes one where it also sets another', async () => {
    const database = five()
    database.insert('x', [
      { _id: 2, n: 2, name: 'Ann' },
      { _id: 3, n: 3, name: 'Bob', twice: 6 },
    ])
    const change = ({ n }: Document) => ({ set: { twice: n * 2 }, unset: ['name'] })
    await apply(connect(database), { collection: 'x', beforeImages: false, reads: ['n'], change })
    expect(fields(database)).toEqual([1, 2, 3, 4, 5].map((n) => ({ n, twice: n * 2 })))
    expect(counted(database)).toBe(5)
  })

  it('overwrites no edit of what it reads', async () => {
    const database = five()
    database.insert('x', [{ _id: 2, n: 2, name: 'Ann' }])
    const store = edited(database, () => database.insert('x', [{ _id: 2, n: 20, name: 'Ann' }]))
    const change = ({ n }: Document) => (n < 10 ? { unset: ['name'] } : null)
    await apply(store, { collection: 'x', beforeImages: false, reads: ['n'], change })
    expect(database.read('x')[1]).toEqual({ _id: 2, n: 20, name: 'Ann' })
  })
})

describe('an undo', () => {
  it('lists what was edited since and changes nothing until each is decided', async () => {
    const database = five()
    const declaration: BatchesDeclaration = { collection: 'x', change: ({ n }) => ({ set: { n: n * 10 } }) }
    await apply(connect(database), declaration)
    database.insert('x', [
      { _id: 2, n: 20, note: 'by hand' },
      { _id: 3, n: 31 },
    ])
    const store = connect(database)
    const before = database.content()
    await expect(undoTo(store, walking(declaration), null, common)).rejects.toThrow(
      /2 documents were edited after it wrote them; decide for each: keep or restore\nx 2\nx 3$/,
    )
    expect(database.content()).toEqual(before)
    const decide = (_collection: string, id: string) => (id === '2' ? ('keep' as const) : ('restore' as const))
    await undoTo(store, walking(declaration), null, { ...common, decide })
    expect(database.read('x').map(({ n, note }) => [n, note])).toEqual([
      [1, undefined],
      [20, 'by hand'],
      [3, undefined],
      [4, undefined],
      [5, undefined],
    ])
    expect([database.ledger.size, database.images.size]).toEqual([0, 0])
  })

  const wordsOf = (text: unknown) => String(text).split(' ').length
  const counting: BatchesDeclaration = {
    collection: 'x',
    size: 1,
    change: ({ text }) => ({ set: { words: wordsOf(text) } }),
  }
  const renaming: BatchesDeclaration = {
    collection: 'x',
    change: ({ a }) => (a === undefined ? null : { set: { b: a }, unset: ['a', 'also'] }),
  }
  const trimming: BatchesDeclaration = {
    collection: 'x',
    change: ({ text }) => ({ set: { text: String(text).trim() } }),
  }
  const one = (document: Document): MemoryDatabase => {
    const database = new MemoryDatabase()
    database.insert('x', [{ _id: 1, ...document }])
    return database
  }

  it.each([
    ['keeps a value that was set', counting, { text: 'a b' }, { text: 'a b c', words: 2 }, { text: 'a b c', words: 3 }],
    ['still lacks a field that was unset', renaming, { a: 1, also: 1 }, { b: 1, a: 2 }, { b: 2 }],
    ['has a field back, but lacks another', renaming, { a: 1, also: 1 }, { a: 2 }, { b: 2 }],
  ])('lists a document that was edited between two writes and %s', async (_what, declaration, was, edit, written) => {
    const database = one(was)
    await apply(
      afterPass(database, () => database.insert('x', [{ _id: 1, ...edit }])),
      declaration,
    )
    expect(database.read('x')).toEqual([{ _id: 1, ...written }])
    const undo = (decision: 'keep' | 'restore' | null) =>
      undoTo(connect(database), walking(declaration), null, { ...common, decide: () => decision })
    await expect(undo(null)).rejects.toThrow(/1 documents were edited after it wrote them.*\nx 1$/)
    await undo('restore')
    expect(database.read('x')).toEqual([{ _id: 1, ...was }])
  })

  it.each([
    ['as a whole', counting, { text: 'a b' }, { text: 'a b c', note: 1 }],
    ['in the field that is changed', trimming, { text: ' a ' }, { text: ' b ' }],
    ['so that all that was taken away is there', renaming, { a: 1 }, { a: 2, also: 2 }],
  ])('gives back what was replaced between two writes %s', async (_what, declaration, was, edit) => {
    const database = one(was)
    await apply(
      afterPass(database, () => database.insert('x', [{ _id: 1, ...edit }])),
      declaration,
    )
    expect(database.read('x')).not.toEqual([{ _id: 1, ...edit }])
    await undoTo(connect(database), walking(declaration), null, common)
    expect(database.read('x')).toEqual([{ _id: 1, ...edit }])
  })

  it('lists it also where the run dies at any write of the second time, and where it is edited again', async () => {
    const edit = (database: MemoryDatabase, text: string) => {
      const words = database.read('x')[0]?.words
      database.insert('x', [{ _id: 1, text, ...(words === undefined ? {} : { words }) }])
    }
    for (let write = 1; ; write += 1) {
      for (const when of ['before', 'after'] as const) {
        const database = one({ text: 'a b' })
        const store = afterPass(database, () => edit(database, 'a b c'), { what: 'crash', write, when })
        const died = await apply(store, counting).then(
          () => false,
          () => true,
        )
        const isWritten = database.read('x')[0]?.words !== undefined
        if (isWritten) edit(database, 'a b c d')
        await afterTheLease(database)
        const isApplied = database.ledger.get('001_walk')?.state === 'applied'
        await apply(connect(database), counting)
        const [{ text, words } = expect.unreachable()] = database.read('x')
        if (!isApplied) expect(words, `write ${write}, ${when}`).toBe(wordsOf(text))
        const undone = undoTo(connect(database), walking(counting), null, common)
        if (isWritten) await expect(undone, `write ${write}, ${when}`).rejects.toThrow(/1 documents were edited/)
        else {
          await undone
          expect(database.read('x'), `write ${write}, ${when}`).toEqual([{ _id: 1, text }])
        }
        if (!died) return
      }
      expect(write).toBeLessThan(50)
    }
  })

  it.each([
    ['refuses', () => new MongoServerError({ message: 'no', code: 121 })],
    ['has lost', () => null],
  ])('lists it also where the server %s it the second time', async (_what, refusal) => {
    const database = one({ text: 'a b' })
    let updates = 0
    const store = gated(
      afterPass(database, () => database.insert('x', [{ _id: 1, text: 'a b c', words: 2 }])),
      [],
      async () => {
        updates += 1
        if (updates < 2) return
        const thrown = refusal()
        if (thrown !== null) throw thrown
        database.collections.get('x')?.documents.delete('{"id":{"$numberInt":"1"}}')
      },
    )
    await apply(store, counting).catch(() => undefined)
    expect(updates).toBe(2)
    database.insert('x', [{ _id: 1, text: 'by hand', words: 2 }])
    await apply(connect(database), counting)
    await expect(undoTo(connect(database), walking(counting), null, common)).rejects.toThrow(/1 documents were edited/)
  })

  const marked = (down: (context: UpContext) => Promise<void>, beforeImages = true) => [
    migration('001_walk', {
      phase: 'data',
      description: 'x',
      up: ({ batches }) => batches({ collection: 'x', size: 2, beforeImages, change: () => ({ set: { done: true } }) }),
      down,
      check: async () => true,
    }),
  ]
  const unmark: BatchesDeclaration = {
    ...{ collection: 'x', size: 2, filter: { done: { $exists: true } } },
    change: () => ({ unset: ['done'] }),
  }
  const isMarked = (database: MemoryDatabase) => database.read('x').map((one) => 'done' in one)

  it('that walks where before-images are kept is refused, and they stay', async () => {
    const database = five()
    const migrations = marked(({ batches }) => batches(unmark))
    await applyMigrations(connect(database), migrations, { ...common, phase: 'data' })
    await expect(undoTo(connect(database), migrations, null, common)).rejects.toMatchObject({
      kind: 'failed',
      message:
        'undo of 001_walk is half done: 001_walk: down would walk x before the before-images are put back: batches.restore() comes first; nothing of x was changed; then ask for it again, or, to stay with 001_walk, say "pacs-agent migrate mark 001_walk applied|pending --reason …": what is pending runs again',
    })
    expect(isMarked(database)).toEqual(Array(5).fill(true))
    expect([database.ledger.get('001_walk')?.state, database.images.size]).toEqual(['rolling-back', 5])
    const { onEvent: _, ...rest } = common
    await mark(connect(database), migrations, '001_walk', 'applied', { ...rest, reason: 'its down cannot undo it' })
    expect([database.ledger.get('001_walk')?.state, database.images.size]).toEqual(['applied', 5])
  })

  it('may walk once it has put them back, over what came since', async () => {
    const database = five()
    const migrations = marked(async ({ batches }) => {
      await batches.restore()
      await batches(unmark)
    })
    await applyMigrations(connect(database), migrations, { ...common, phase: 'data' })
    database.insert('x', [{ _id: 6, done: true }])
    await undoTo(connect(database), migrations, null, common)
    expect(isMarked(database)).toEqual(Array(6).fill(false))
    expect([database.ledger.size, database.images.size]).toEqual([0, 0])
  })

  it('may walk where none are kept, keeps none itself, and is continued after a crash', async () => {
    const migrations = marked(({ batches }) => batches(unmark), false)
    for (let write = 1; ; write += 1) {
      const database = five()
      await applyMigrations(connect(database), migrations, { ...common, phase: 'data' })
      const undone = undoTo(connect(database, { what: 'crash', write, when: 'after' }), migrations, null, common)
      const isOver = await undone.then(
        () => true,
        () => false,
      )
      expect(database.images.size).toBe(0)
      await afterTheLease(database)
      await undoTo(connect(database), migrations, null, common)
      expect([isMarked(database), database.ledger.size]).toEqual([Array(5).fill(false), 0])
      if (isOver) break
      expect(write).toBeLessThan(50)
    }
  })

  it('is refused for an irreversible migration, with its reason', async () => {
    const database = five()
    const irreversible = migration('001_x', {
      phase: 'data',
      description: 'x',
      up: async () => undefined,
      check: async () => true,
      irreversible: 'the old texts are gone',
    })
    await applyMigrations(connect(database), [irreversible], { ...common, phase: 'data' })
    await expect(undoTo(connect(database), [irreversible], null, common)).rejects.toThrow(/the old texts are gone/)
  })
})

describe('a plan', () => {
  it('counts and writes nothing', async () => {
    const store = connect(five())
    const plan = await planMigrations(store, walking({ collection: 'x', change: () => null }), {
      phase: 'data',
      signal,
    })
    expect(plan.steps.map(({ id, impacts }) => [id, impacts.map(({ text }) => text)])).toEqual([
      ['001_walk', ['5 documents are changed']],
    ])
    expect(store.writes).toBe(0)
  })
})

describe('a migration that was cut and is marked pending', () => {
  /** Once more each time it is made: nothing in a document tells whether it was. */
  const declaration: BatchesDeclaration = { collection: 'x', size: 2, change: ({ n }) => ({ set: { n: n + 1 } }) }
  const unclear = walking(declaration, () => Promise.reject(new Error('who knows')))
  const numbers = (database: MemoryDatabase) => database.read('x').map(({ n }) => n)
  const pending = (database: MemoryDatabase) => {
    const { onEvent: _, ...rest } = common
    return mark(connect(database), unclear, '001_walk', 'pending', { ...rest, reason: 'looked at every document' })
  }

  /** Cuts a run at every write in turn, and does `then` with each that had written something. */
  async function cut(then: (database: MemoryDatabase) => Promise<void>): Promise<void> {
    let cuts = 0
    for (let write = 1; ; write += 1) {
      const database = five()
      const store = connect(database, { what: 'crash', write, when: 'after' })
      const isOver = await apply(store, declaration).then(
        () => true,
        () => false,
      )
      if (isOver || database.ledger.get('001_walk')?.state === 'applied') break
      await afterTheLease(database)
      if (database.images.size === 0) continue
      cuts += 1
      await then(database)
    }
    expect(cuts).toBeGreaterThan(5)
  }

  it('runs again as one that is continued: nothing is done twice, and an undo goes all the way back', async () => {
    await cut(async (database) => {
      await pending(database)
      await apply(connect(database), declaration)
      expect(numbers(database)).toEqual([2, 3, 4, 5, 6])
      await undoTo(connect(database), walking(declaration), null, common)
      expect([numbers(database), database.images.size]).toEqual([[1, 2, 3, 4, 5], 0])
    })
  })

  it('changes what was put back by hand and then edited, whatever to, and an undo keeps the edit', async () => {
    await cut(async (database) => {
      database.insert(
        'x',
        [1, 2, 3, 4, 5].map((n) => ({ _id: n, n })),
      )
      await pending(database)
      // To what the cut run had made of it.
      database.insert('x', [{ _id: 1, n: 2 }])
      await apply(connect(database), declaration)
      expect(numbers(database)).toEqual([3, 3, 4, 5, 6])
      await undoTo(connect(database), walking(declaration), null, common)
      expect(numbers(database)).toEqual([2, 2, 3, 4, 5])
    })
  })
})
