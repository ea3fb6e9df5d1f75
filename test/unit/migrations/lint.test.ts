import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { formatFinding, lintMigrations, newMigration, PHASES, writeLock } from '../../../src/migrations/index.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pacs-migrations-'))
})
afterEach(() => rm(folder, { recursive: true }))

const SHAPE = { phase: "'expand'", down: 'async down({ schema }) { await schema.restore() },', assured: '' }

/** A migration whose `up` is `body`, on line 5. */
async function lay(id: string, body: string, shape: Partial<typeof SHAPE> = {}): Promise<void> {
  const { phase, down, assured } = { ...SHAPE, ...shape }
  const text = `export default {
  phase: ${phase},
  description: 'x',
  async up({ db, schema, batches, signal }) {
    ${body}
  },
  ${down}
  ${assured}
  async check() { return true },
}
`
  await writeFile(join(folder, `${id}.js`), text)
}

async function found(released?: string[]): Promise<string[]> {
  await rm(join(folder, 'migrations.lock.json'), { force: true })
  await writeLock(folder)
  const findings = await lintMigrations(folder, released === undefined ? {} : { released })
  return findings.map(({ id, file, line }) => `${file}:${line} ${id}`)
}

describe('lintMigrations', () => {
  it.each([
    ['destructive', "await db.collection('x').drop()"],
    ['destructive', "await db.collection('x').updateMany({ a: 1 }, { $rename: { a: 'b' } })"],
    ['destructive', "await batches({ collection: 'x', change: () => ({ unset: ['a'] }) })"],
    ['destructive', "await db.collection('x').updateMany({ a: 1 }, { $unset: { a: '' } })"],
    ['destructive', "await db.collection('x').bulkWrite([{ deleteMany: { filter: { a: 1 } } }])"],
    ['destructive', "await db.collection('x').bulkWrite([{ deleteOne: { filter: { a: 1 } } }])"],
    ['destructive', "await db.collection('x').aggregate([{ $out: 'y' }]).toArray()"],
    ['destructive', "await db.collection('x').aggregate([{ $merge: { into: 'y' } }]).toArray()"],
    ['destructive', "await db.collection('x')['drop']()"],
    ['destructive', "const end = 'drop'; await db['collection']('x')?.[end]()"],
    ['destructive', "const gone = { $unset: { a: '' } }; await db.collection('x').updateMany({ a: 1 }, gone)"],
    ['destructive', "await db.collection('x').replaceOne({}, { a: 1 })"],
    [
      'destructive',
      "const any = {}; await db.collection('x').bulkWrite([{ replaceOne: { filter: any, replacement: {} } }])",
    ],
    ['destructive', "await db.collection('x').updateMany({ a: 1 }, [{ $project: { b: 1 } }])"],
    ['destructive', "await db.collection('x').updateMany({ a: 1 }, [{ $replaceWith: { b: '$b' } }])"],
    [
      'destructive',
      "const to = [{ $replaceRoot: { newRoot: '$b' } }]; await db.collection('x').bulkWrite([{ updateOne: { filter: { a: 1 }, update: to } }])",
    ],
    ['destructive', "await db.collection('x').updateMany({ a: 1 }, { $pull: { b: 1 } })"],
    ['destructive', "await db.collection('x').updateMany({ a: 1 }, { $pullAll: { b: [1] } })"],
    ['destructive', "await db.collection('x').updateMany({ a: 1 }, { $pop: { b: 1 } })"],
    ['destructive', "await db.command({ drop: 'x' })"],
    ['destructive', "await db.command({ delete: 'x', deletes: [{ q: {}, limit: 0 }] })"],
    ['destructive', 'const all = { dropDatabase: 1 }; await db.command(all)'],
    ['destructive', "await db.admin().command({ renameCollection: 'pacs.x', to: 'pacs.y' })"],
    ['unique-unchecked', "const one = { unique: true }; await db.collection('x').createIndex({ a: 1 }, one)"],
    ['unique-unchecked', "await db.collection('x').createIndex({ a: 1 }, { unique: true })"],
    ['strict-uncounted', "await db.createCollection('x', { validator: { $jsonSchema: {} } })"],
    ['record-ttl', "await db.collection('auditlogs').createIndex({ at: 1 }, { expireAfterSeconds: 60 })"],
    [
      'record-ttl',
      "const s = 60; await schema.collection('digitalsignatures', { indexes: [{ name: 'a', key: { a: 1 }, expireAfterSeconds: s }] })",
    ],
    ['ttl', "await schema.collection('x', { indexes: [{ name: 'a', key: { a: 1 }, expireAfterSeconds: 0 }] })"],
    ['whole-collection', "await db.collection('x').updateMany({}, { $set: { a: 1 } })"],
    ['whole-collection', "const all = {}; await db.collection('x').updateMany(all, { $set: { a: 1 } })"],
    [
      'whole-collection',
      "const filter = {}; await db.collection('x').bulkWrite([{ updateMany: { filter, update: { $set: { a: 1 } } } }])",
    ],
    [
      'whole-collection',
      "await db.collection('x').bulkWrite([{ updateMany: { filter: {}, update: { $set: { a: 1 } } } }])",
    ],
    ['not-repeatable', "await db.collection('x').insertOne({ a: 1 })"],
    ['not-repeatable', "await db.collection('x').bulkWrite([{ insertOne: { document: { a: 1 } } }])"],
    ['not-repeatable', "await db.collection('x').updateMany({ a: 1 }, { $inc: { b: 1 } })"],
    ['signed-record', "const log = db.collection('auditlogs'); await log.updateMany({ a: 1 }, { $set: { a: 2 } })"],
    ['signed-record', "const name = 'auditlogs'; await db.collection(name).updateOne({ a: 1 }, { $set: { a: 2 } })"],
    ['signed-record', "await batches({ collection: 'digitalsignatures', change: () => ({ set: { a: 1 } }) })"],
    ['schema-keyword', "await schema.collection('x', { schema: { properties: { a: { format: 'date' } } } })"],
    [
      'schema-keyword',
      "const int = 'int'; await schema.collection('x', { schema: { properties: { a: { bsonType: int } } } }) // bsonType",
    ],
    ['schema-keyword', "await schema.collection('x', { schema: { items: [{ type: 'integer' }] } })"],
    ['raw-command', 'await db.command({ compact: 1 })'],
    ['endless', "while (true) await db.collection('x').findOne()"],
    [
      'transaction-index',
      "await session.withTransaction(async () => { await db.collection('x').createIndex({ a: 1 }) })",
    ],
  ])('finds %s, with its line', async (id, body) => {
    await lay('001_x', body)
    expect(await found()).toContain(`001_x.js:5 ${id}`)
  })

  it('reads a migration that is exported by its name, and a function that it names', async () => {
    const text = `const migration = {
  phase: 'data',
  async up({ batches }) { await batches({ collection: 'x', change: shrink }) },
}
export default migration
function shrink() { return { unset: ['a'] } }
`
    await writeFile(join(folder, '001_x.js'), text)
    const missing = ['missing-check', 'missing-description', 'missing-down'].map((id) => `001_x.js:1 ${id}`)
    expect(await found()).toEqual([...missing, '001_x.js:6 destructive'])
  })

  const MEMBERS = "phase: 'expand', description: 'x', irreversible: 'it is only a test', check() { return true }"
  const UP = "async up({ db }) { await db.collection('x').updateMany({ a: 1 }, { $inc: { a: 1 } }) }"

  it.each([
    ['default export', `export default { ${MEMBERS}, ${UP} }`],
    ['constant', `const migration = { ${MEMBERS}, ${UP} }; export default migration`],
    ['renamed constant', `const migration = { ${MEMBERS}, ${UP} }; export { migration as default }`],
    ['constant renamed by a string', `const migration = { ${MEMBERS}, ${UP} }; export { migration as 'default' }`],
    ['call', `const define = (one) => one; export default define({ ${MEMBERS}, ${UP} })`],
    ['renamed call', `const m = Object.freeze({ ${MEMBERS}, ${UP} }); export { m as default }`],
    ['declared function', `async function up${UP.slice('async up'.length)}; export default { ${MEMBERS}, up }`],
  ])('reads a %s', async (_what, text) => {
    await writeFile(join(folder, '001_x.js'), text)
    expect(await found()).toEqual(['001_x.js:1 not-repeatable'])
  })

  it.each([
    [
      'an object that only a run finds',
      `let m = { ${MEMBERS}, ${UP} }; export default m`,
      'the object that it exports',
    ],
    ['a renamed one', `let m = { ${MEMBERS}, ${UP} }; export { m as default }`, 'the object that it exports'],
    ['what a function returns', `const m = () => ({ ${MEMBERS}, ${UP} }); export default m()`, 'the object that'],
    ['what is awaited', `export default await Promise.resolve({ ${MEMBERS}, ${UP} })`, 'the object that it exports'],
    ['a spread', `const m = { ${UP} }; export default { ${MEMBERS}, ...m }`, 'a member that the object takes from'],
    [
      'a computed name',
      `const u = 'up'; export default { ${MEMBERS}, [u]: ({ db }) => db }`,
      'a member that the object',
    ],
    ['what is assigned', `export default Object.assign({ ${MEMBERS} }, { ${UP} })`, 'up'],
    ['a function that only a run finds', `let up = ({ db }) => db; export default { ${MEMBERS}, up }`, 'up'],
  ])('refuses %s in one line, since its rules would see nothing', async (_what, text, unread) => {
    await writeFile(join(folder, '001_x.js'), text)
    await writeLock(folder)
    const findings = (await lintMigrations(folder)).map(formatFinding)
    expect(findings).toHaveLength(1)
    expect(findings[0]).toMatch(`001_x.js:1: error unreadable: ${unread}`)
    expect(findings[0]).toContain(' cannot be read, so nothing was judged by it; write export default { … }')
  })

  it('refuses types, which Node does not read in a .js', async () => {
    await writeFile(join(folder, '001_x.js'), `export default { ${MEMBERS}, ${UP} } satisfies object`)
    expect(await found()).toEqual(['001_x.js:1 syntax'])
  })

  it('knows up and down also where the object only names them', async () => {
    const text = `const up = async ({ batches }) => batches({ collection: 'x', change: () => null })
async function takeBack({ db, batches }) {
  await db.collection('y').drop()
  await batches({ collection: 'x', change: () => null })
}
export default { phase: 'data', description: 'x', up, 'down': takeBack, check: () => true }
`
    await writeFile(join(folder, '001_x.js'), text)
    expect(await found()).toEqual(['001_x.js:4 down-walks'])
  })

  it('has nothing against a pipeline that only reads', async () => {
    await lay('001_x', "await db.collection('x').aggregate([{ $project: { b: 1 } }, { $replaceWith: '$b' }]).toArray()")
    expect(await found()).toEqual([])
  })

  it('takes an assurance where the author may know better, and nowhere else', async () => {
    const body =
      "await db.collection('auditlogs').drop(); await db.collection('auditlogs').createIndex({ at: 1 }, { expireAfterSeconds: 1 })"
    await lay('001_x', body, {
      assured: "assured: { destructive: 'nobody reads it since 1.4', 'record-ttl': 'because I like it so' },",
    })
    const ids = await found()
    expect(ids).not.toContain('001_x.js:5 destructive')
    expect(ids).toContain('001_x.js:5 record-ttl')
  })

  it('has nothing against what the engine guards itself', async () => {
    await lay(
      '001_x',
      "await schema.collection('x', { schema: { bsonType: 'object' }, indexes: [{ name: 'a', key: { a: 1 }, unique: true }] })",
    )
    expect(await found()).toEqual([])
  })

  it('has nothing against a filter in a constant, whatever another of that name holds, nor a name that only a run knows', async () => {
    await lay(
      '001_x',
      "const some = { a: 1 }; const x = db.collection('x'); await x.updateMany(some, { $set: { a: 2 } }); await x[signal.reason]()",
      { down: "async down({ db }) { const some = {}; await db.collection('x')['drop'](some) }," },
    )
    expect(await found()).toEqual([])
  })

  it.each([
    ['finds', '', 'await batches(walk)'],
    ['finds', '', 'await batches(walk); await batches.restore()'],
    ['has nothing against', '', 'await batches.restore(); await batches(walk)'],
    ['has nothing against', 'beforeImages: false, ', 'await batches(walk)'],
  ])('%s a walk in down, where up has {%s} and down is: %s', async (finds, images, down) => {
    await lay('001_x', `await batches({ collection: 'x', ${images}change: () => null })`, {
      down: `async down({ batches }) { const walk = { collection: 'x', change: () => null }; ${down} },`,
    })
    expect(await found()).toEqual(finds === 'finds' ? ['001_x.js:7 down-walks'] : [])
  })

  it('names what is missing, and what Node cannot read', async () => {
    await lay('001_x', '', { down: '' })
    await writeFile(join(folder, '002_y.js'), 'export default {\n  phase: }\n')
    expect(await found()).toEqual(['001_x.js:1 missing-down', '002_y.js:2 syntax'])
  })

  it('refuses imports of what is not locked', async () => {
    await writeFile(join(folder, '001_x.js'), "import x from './x.js'\nexport default { phase: 'data' }\n")
    expect(await found()).toContain('001_x.js:1 import')
  })

  it('refuses a contract in the release of its expand, and an expand that needs an earlier contract', async () => {
    const over = "await batches({ collection: 'x', change: () => null })"
    await lay('001_a', over)
    await lay('002_b', over, { phase: "'contract'" })
    await lay('003_c', over)
    expect(await found([])).toEqual(['002_b.js:2 contract-too-early', '003_c.js:2 expand-after-contract'])
    expect(await found(['001_a', '002_b'])).toEqual([])
    // Nobody knows what is released.
    expect(await found()).toEqual([])
  })

  it('finds an edited and an unlocked file', async () => {
    await lay('001_x', '')
    await writeLock(folder)
    await lay('001_x', 'await db.stats()')
    await lay('002_y', '')
    const findings = (await lintMigrations(folder)).map(formatFinding)
    expect(findings).toEqual([
      expect.stringMatching(/^001_x\.js:1: error lock: 001_x was edited after it was locked/),
      expect.stringMatching(/^002_y\.js:1: error lock: 002_y is not locked/),
    ])
  })

  it('has nothing against what "new" writes, but the assurance that it asks for', async () => {
    for (const phase of PHASES) await newMigration(folder, `a_${phase}`, phase)
    expect(await found(['001_a_expand', '002_a_data'])).toEqual([])
  })

  it('leaves no second migration of a name that there is', async () => {
    await newMigration(folder, 'add_state', 'expand')
    await expect(newMigration(folder, 'add_state', 'data')).rejects.toThrow(
      'there is 001_add_state already; choose another one',
    )
  })
})
