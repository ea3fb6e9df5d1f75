// The five collections of the application, each with its validator and with the indexes of the queries that it is asked
// (deployment/reference-app/server/src/records/queries.js). Documents expire in exportsessions alone: an export can be made again, while
// sessions, notifications, signatures and audit entries are records that must be there for years.

const text = { bsonType: 'string', minLength: 1 }
const date = { bsonType: 'date' }
const dateOrNull = { bsonType: ['date', 'null'] }
const textOrNull = { bsonType: ['string', 'null'] }
// Drivers of JavaScript send whole numbers as any of these.
const whole = (minimum) => ({ bsonType: ['int', 'long', 'double'], minimum })
const sha256 = { bsonType: 'string', pattern: '^[0-9a-f]{64}$' }
// A DICOM unique identifier.
const uid = { bsonType: 'string', pattern: '^[0-9.]{1,64}$' }

const object = (required, properties) => ({ bsonType: 'object', required, properties })

/** @type {Record<string, import('./migration.d.ts').CollectionDeclaration>} */
const collections = {
  sessions: {
    schema: object(['session', 'user', 'role', 'createdAt', 'lastSeenAt', 'endedAt', 'endReason'], {
      session: sha256,
      user: text,
      role: { enum: ['radiologist', 'physician', 'auditor'] },
      createdAt: date,
      lastSeenAt: date,
      endedAt: dateOrNull,
      endReason: { enum: ['logout', 'expired', 'replaced', null] },
    }),
    indexes: [
      { name: 'session', key: { session: 1 }, unique: true, serves: 'sessionByHash' },
      { name: 'user_createdAt', key: { user: 1, createdAt: -1 }, serves: 'sessionsOfUser, openSessionsOfUser' },
    ],
  },
  criticalnotifications: {
    schema: object(
      [
        'study',
        'severity',
        'finding',
        'createdBy',
        'createdAt',
        'recipient',
        'state',
        'acknowledgedBy',
        'acknowledgedAt',
      ],
      {
        study: uid,
        severity: { enum: ['critical', 'urgent'] },
        finding: text,
        createdBy: text,
        createdAt: date,
        recipient: text,
        state: { enum: ['open', 'acknowledged'] },
        acknowledgedBy: textOrNull,
        acknowledgedAt: dateOrNull,
      },
    ),
    indexes: [{ name: 'state_createdAt', key: { state: 1, createdAt: -1 }, serves: 'notificationsByState' }],
  },
  digitalsignatures: {
    schema: object(['recordId', 'recordVersion', 'recordHash', 'signer', 'printedName', 'meaning', 'signedAt'], {
      recordId: { bsonType: 'string', pattern: '^[0-9a-f]{24}$' },
      recordVersion: whole(1),
      recordHash: sha256,
      signer: text,
      printedName: text,
      meaning: { enum: ['author', 'reviewer', 'approver'] },
      signedAt: date,
    }),
    // Unique: one person signs one version of a record once with one meaning.
    indexes: [
      {
        name: 'recordId_signer_meaning',
        key: { recordId: 1, signer: 1, meaning: 1 },
        unique: true,
        serves: 'signaturesOfRecords',
      },
    ],
  },
  exportsessions: {
    schema: object(['user', 'studies', 'state', 'createdAt', 'finishedAt', 'expiresAt'], {
      user: text,
      studies: { bsonType: 'array' },
      state: { enum: ['queued', 'running', 'done', 'failed'] },
      createdAt: date,
      finishedAt: dateOrNull,
      expiresAt: date,
    }),
    indexes: [
      { name: 'user_createdAt', key: { user: 1, createdAt: -1 }, serves: 'exportsOfUser' },
      { name: 'expiresAt', key: { expiresAt: 1 }, expireAfterSeconds: 0, serves: 'the removal of expired exports' },
    ],
  },
  auditlogs: {
    schema: object(['seq', 'at', 'user', 'action', 'target', 'outcome', 'previousHash', 'hash'], {
      seq: whole(1),
      at: date,
      user: text,
      action: text,
      target: text,
      outcome: { enum: ['success', 'failure'] },
      previousHash: sha256,
      hash: sha256,
    }),
    // Unique: two writers cannot add the same link of the chain.
    indexes: [{ name: 'seq', key: { seq: 1 }, unique: true, serves: 'auditBySeq' }],
  },
}

/** @type {import('./migration.d.ts').MigrationDefinition} */
export default {
  phase: 'expand',
  description: 'sessions, critical notifications, digital signatures, export sessions, audit log',
  assured: { ttl: 'an export can be made again, and each says itself when it expires' },
  async up({ schema }) {
    await Promise.all(Object.entries(collections).map(([name, declaration]) => schema.collection(name, declaration)))
  },
  async down({ schema }) {
    await schema.restore()
  },
  async check({ db }) {
    const found = await db.listCollections({}, { nameOnly: true }).toArray()
    const names = new Set(found.map(({ name }) => name))
    return Object.keys(collections).every((name) => names.has(name))
  },
}
