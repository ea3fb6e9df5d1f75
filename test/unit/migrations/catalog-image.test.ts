import { describe, expect, it } from 'vitest'
import { type CatalogImage, imagesOf, writeImages } from '../../../src/migrations/catalog-image.ts'
import type { HistoryLine } from '../../../src/migrations/ledger.ts'
import { sha256 } from '../../../src/release/index.ts'
import { ACTOR } from './sample.ts'

const STATE: CatalogImage['before'] = {
  options: { capped: true },
  validation: {
    validator: { $jsonSchema: { required: ['a.b'] }, name: { $regex: '^A', $ne: 'Ada' } },
    level: 'strict',
    action: 'error',
  },
  indexes: [{ name: 'n', key: { n: 1, m: -1 }, options: { unique: true } }],
}

let lines = 0

function line(migration: string, event: HistoryLine['event'], images: readonly CatalogImage[] = []): HistoryLine {
  lines += 1
  const common = { _id: lines, migration, event, sha256: sha256(migration), phase: 'expand', note: null } as const
  const { run, actor, host } = ACTOR
  return { ...common, run, actor, host, at: new Date(0), ...(images.length > 0 ? { kept: writeImages(images) } : {}) }
}

const image = (collection: string, before: CatalogImage['before'] = null): CatalogImage => ({ collection, before })
const full = image('x', STATE)

describe('what collections were', () => {
  it('is read back as it was kept, by migration', () => {
    const history = [line('001_a', 'applying'), line('001_a', 'kept', [full, image('y')]), line('002_b', 'applied')]
    expect(imagesOf(history, '001_a')).toEqual([full, image('y')])
    expect(imagesOf(history, '002_b')).toEqual([])
  })

  it('is the first image of each, also of a run that was cut and of one that a person marked', () => {
    const history = [
      line('001_a', 'kept', [image('x')]),
      line('001_a', 'marked-pending'),
      line('001_a', 'kept', [full]),
    ]
    expect(imagesOf(history, '001_a')).toEqual([image('x')])
  })

  it('is told with what they were left as, once the migration is applied', () => {
    const left = { ...full, left: { options: {}, validation: null, indexes: [] } }
    const history = [line('001_a', 'kept', [full]), line('001_a', 'applied', [left])]
    expect(imagesOf(history, '001_a')).toEqual([left])
  })

  it('begins anew after an undo', () => {
    const history = [line('001_a', 'kept', [image('x')]), line('001_a', 'undone'), line('001_a', 'kept', [full])]
    expect(imagesOf(history, '001_a')).toEqual([full])
  })
})
