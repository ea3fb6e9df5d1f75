/**
 * Every question that the app asks MongoDB, by name. The migrations make an index for each and cite it; a test asks each with its
 * `sample` and sees by the plan that the index is used. The app makes no index.
 * @typedef {{
 *   collection: string,
 *   filter: (...values: never[]) => Record<string, unknown>,
 *   sort: Record<string, 1 | -1> | null,
 *   index: Record<string, 1 | -1>,
 *   unique: boolean,
 *   sample: unknown[],
 *   why: string,
 * }} Query
 */

const HASH = '0'.repeat(64)
const RECORD = '0'.repeat(24)

/** @satisfies {Record<string, Query>} */
export const QUERIES = {
  sessionByHash: {
    collection: 'sessions',
    filter: (/** @type {string} */ hash) => ({ session: hash }),
    sort: null,
    index: { session: 1 },
    unique: true,
    sample: [HASH],
    why: 'who a cookie belongs to while Redis is away; its last use; its end',
  },
  sessionsOfUser: {
    collection: 'sessions',
    filter: (/** @type {string} */ user) => ({ user }),
    sort: { createdAt: -1 },
    index: { user: 1, createdAt: -1 },
    unique: false,
    sample: ['jane'],
    why: "a person's log-ins, newest first",
  },
  openSessionsOfUser: {
    collection: 'sessions',
    filter: (/** @type {string} */ user, /** @type {Date} */ idleSince) => ({
      user,
      endedAt: null,
      lastSeenAt: { $lt: idleSince },
    }),
    sort: null,
    index: { user: 1, createdAt: -1 },
    unique: false,
    sample: ['jane', new Date(0)],
    why: 'sessions that ran out unseen are closed at the next log-in of their user',
  },
  notificationsByState: {
    collection: 'criticalnotifications',
    filter: (/** @type {string} */ state) => ({ state }),
    sort: { createdAt: -1 },
    index: { state: 1, createdAt: -1 },
    unique: false,
    sample: ['open'],
    why: 'what was acknowledged, newest first; what still waits, oldest first',
  },
  reportVersions: {
    collection: 'reports',
    filter: (/** @type {string} */ study) => ({ study }),
    sort: { version: -1 },
    index: { study: 1, version: -1 },
    unique: true,
    sample: ['1.2.3'],
    why: 'the versions of the report of a study, newest first; two people cannot save the same version',
  },
  signaturesOfRecords: {
    collection: 'digitalsignatures',
    filter: (/** @type {string[]} */ records) => ({ recordId: { $in: records } }),
    sort: null,
    index: { recordId: 1, signer: 1, meaning: 1 },
    unique: true,
    sample: [[RECORD]],
    why: 'the signatures of records; nobody signs one record twice with the same meaning',
  },
  exportsOfUser: {
    collection: 'exportsessions',
    filter: (/** @type {string} */ user) => ({ user }),
    sort: { createdAt: -1 },
    index: { user: 1, createdAt: -1 },
    unique: false,
    sample: ['jane'],
    why: "a person's exports, newest first",
  },
  auditBySeq: {
    collection: 'auditlogs',
    filter: () => ({}),
    sort: { seq: -1 },
    index: { seq: 1 },
    unique: true,
    sample: [],
    why: 'the end of the chain; its unique index is what keeps two writers from adding the same link',
  },
}
