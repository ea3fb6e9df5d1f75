import type { Contents } from '../../../src/backup/index.ts'

const collection = { type: 'collection', bytes: 100, seconds: 0, newest: { id: null, dates: {} } } as const
export const metadata = (name: string, more: object = {}) =>
  JSON.stringify({ collectionName: name, type: 'collection', options: {}, indexes: [], ...more })

/** What a small backup says that it holds. */
export const contents: Contents = {
  schema: 1,
  id: '20261124t101500z-1f2e3d4c',
  startedAt: '2026-11-24T10:15:00.000Z',
  finishedAt: '2026-11-24T10:20:00.000Z',
  host: 'test',
  instance: null,
  versions: {},
  oneMoment: [],
  database: {
    service: 'mongodb',
    database: 'pacs',
    server: { version: '8.0.0', topology: 'replica set' },
    moment: { kind: 'snapshot', clusterTime: '1.1' },
    oplog: { kind: 'none', why: 'no backup is there yet that it could follow upon' },
    collections: [
      {
        ...collection,
        name: 'reports',
        metadata: metadata('reports', { indexes: [{ name: 'by_study', key: { study: 1 } }] }),
        count: 2,
        hash: 'a'.repeat(64),
        newest: { id: null, dates: { createdAt: '2026-11-24T09:15:00.000Z', due: '2027-01-01T00:00:00.000Z' } },
      },
      { ...collection, name: 'sessions', metadata: metadata('sessions'), count: 1, hash: 'b'.repeat(64) },
    ],
    leftOut: [],
    seconds: 1,
  },
  archives: [],
  caches: [],
  folders: [],
  snapshots: { work: 'ab', volumes: [] },
  stored: { read: 1000, added: 100 },
}
