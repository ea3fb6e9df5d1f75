// Reports: one document per version, since an old text must stay visible (21 CFR 11.10(e)); only `state` ever changes, from draft to signed.
/** @type {import('./migration.d.ts').MigrationDefinition} */
export default {
  phase: 'expand',
  description: 'reports, one document per version',
  async up({ schema }) {
    await schema.collection('reports', {
      schema: {
        bsonType: 'object',
        required: ['study', 'text', 'author', 'createdAt', 'version', 'state'],
        properties: {
          study: { bsonType: 'string', pattern: '^[0-9.]{1,64}$' },
          text: { bsonType: 'string', minLength: 1, maxLength: 20000 },
          author: { bsonType: 'string', minLength: 1 },
          createdAt: { bsonType: 'date' },
          version: { bsonType: ['int', 'long', 'double'], minimum: 1 },
          state: { enum: ['draft', 'signed'] },
        },
      },
      // Unique: two people who save at once cannot both write the next version.
      indexes: [{ name: 'study_version', key: { study: 1, version: -1 }, unique: true, serves: 'reportVersions' }],
    })
  },
  async down({ schema }) {
    await schema.restore()
  },
  async check({ db }) {
    return (await db.listCollections({ name: 'reports' }, { nameOnly: true }).toArray()).length === 1
  },
}
