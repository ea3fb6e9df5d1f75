import { BSON, type Document } from 'mongodb'
import { z } from 'zod'
import { canonicalJson } from '../release/index.ts'
import type { CollectionDeclaration, IndexDeclaration } from './definition.ts'
import type { CollectionState, IndexState, Validation } from './store.ts'

const record = z.record(z.string(), z.unknown())

/** What a declaration says of an index, in the form in which a server reports it. @param collation of its collection, which it has unless it names one */
export function indexOf({ name, key, serves: _serves, ...options }: IndexDeclaration, collation?: unknown): IndexState {
  if (isSimple(collation)) return { name, key, options: withoutUnset(options) }
  const { version: _version, ...inherited } = record.parse(collation)
  return { name, key, options: withoutUnset({ collation: inherited, ...options }) }
}

/** The validation that a declaration asks for once every document satisfies it. */
export function strictly(schema: Document): Validation {
  return { validator: { $jsonSchema: schema }, level: 'strict', action: 'error' }
}

/**
 * How a collection differs from its declaration, in words for a person; empty when it is as declared. `moderate` says that
 * a validator that only warns is as good as one can be, since some documents do not satisfy it yet.
 */
export function differences(
  name: string,
  declaration: CollectionDeclaration,
  state: CollectionState | null,
  moderate: boolean,
): string[] {
  if (state === null) return [`${name} is not there`]
  const found: string[] = []
  const { schema, options = {}, indexes = [], dropIndexes = [] } = declaration
  for (const [option, value] of Object.entries(options)) {
    if (includes(asKept(option, state.options[option]), asKept(option, value))) continue
    found.push(`${name}: option ${option} is ${show(state.options[option])}, declared is ${show(value)}`)
  }
  if (schema !== undefined) found.push(...validationDifferences(name, schema, state.validation, moderate))
  for (const declared of indexes.map((index) => indexOf(index, state.options.collation))) {
    const same = state.indexes.find((index) => sameIndex(index, declared))
    const named = state.indexes.find((index) => index.name === declared.name)
    if (same !== undefined) continue
    found.push(
      named === undefined
        ? `${name}: index ${declared.name} is not there`
        : `${name}: index ${declared.name} is ${showIndex(named)}, declared is ${showIndex(declared)}`,
    )
  }
  for (const dropped of dropIndexes) {
    if (state.indexes.some((index) => index.name === dropped)) found.push(`${name}: index ${dropped} is still there`)
  }
  return found
}

/** Which indexes a declaration drops that it declares as well, with words for a person: no server holds one under two names. */
export function contradictoryDrops(
  { options, indexes = [], dropIndexes = [] }: CollectionDeclaration,
  state: CollectionState | null,
): Map<string, string> {
  const found = new Map<string, string>()
  const { collation } = state?.options ?? options ?? {}
  for (const declared of indexes.map((index) => indexOf(index, collation))) {
    const dropped = dropIndexes.includes(declared.name)
    if (dropped) found.set(declared.name, `index ${declared.name} is both declared and dropped`)
    const is = state?.indexes.find((index) => dropIndexes.includes(index.name) && sameIndex(index, declared))
    if (is === undefined || dropped) continue
    found.set(
      is.name,
      `index ${is.name}, which is to be dropped, is ${declared.name} already: declare it by the name ${is.name}`,
    )
  }
  return found
}

function validationDifferences(name: string, schema: Document, is: Validation | null, moderate: boolean): string[] {
  if (is === null) return [`${name} has no validator`]
  if (!same(is.validator, { $jsonSchema: schema })) return [`${name}: the validator is another than the declared one`]
  if (is.level === 'strict' && is.action !== 'warn') return []
  return moderate ? [] : [`${name}: the validator is ${is.level} and ${is.action}, declared are strict and error`]
}

/** Same keys in the same order, and same options, whether a server has added its defaults or not. */
export function sameIndex(one: IndexState, other: IndexState): boolean {
  const [ones, others] = [withDefaults(one), withDefaults(other)]
  return sameKey(ones, others) && same(ones.options, others.options)
}

/** What a server fills a collation up with (its documentation, Collation). */
const COLLATION = {
  ...{ caseLevel: false, caseFirst: 'off', strength: 3, numericOrdering: false, alternate: 'non-ignorable' },
  ...{ maxVariable: 'punct', normalization: false, backwards: false },
}

/** Whether a collation compares bytes, as without one: a server names none then. */
function isSimple(collation: unknown): boolean {
  return record.default({ locale: 'simple' }).parse(collation).locale === 'simple'
}

/** An option of a collection as a server keeps it, which makes the size of a capped one a multiple of 256 (its source, collection_options.cpp). */
function asKept(option: string, value: unknown): unknown {
  if (option === 'size') return Math.ceil(Number(value) / 256) * 256
  if (option === 'collation' && isSimple(value)) return undefined
  return value === false ? undefined : value
}

/** An index as a server reports it: the keys of text in one, defaults filled in; without versions, which the server chooses. */
function withDefaults({ name, key, options }: IndexState): IndexState {
  const { version: _collation, ...collation } = record.default({}).parse(options.collation)
  const { collation: _own, textIndexVersion: _text, '2dsphereIndexVersion': _sphere, ...own } = options
  const filled = { ...own, ...(isSimple(options.collation) ? {} : { collation: { ...COLLATION, ...collation } }) }
  const texts = Object.keys(key).filter((field) => key[field] === 'text' && field !== '_fts')
  if (texts.length === 0 && !('_fts' in key)) return { name, key, options: filled }
  const joined = Object.entries(key).flatMap(([field, value]) => {
    if (!texts.includes(field)) return [[field, value] as const]
    return field === texts[0] ? [['_fts', 'text'] as const, ['_ftsx', 1] as const] : []
  })
  const weights = { ...Object.fromEntries(texts.map((field) => [field, 1])), ...record.default({}).parse(own.weights) }
  const languages = { default_language: 'english', language_override: 'language' }
  return { name, key: Object.fromEntries(joined), options: { ...languages, ...filled, weights } }
}

/** Same keys and options but for the seconds after which documents expire. */
export function differsInExpiryOnly(one: IndexState, other: IndexState): boolean {
  const { expireAfterSeconds: ones, ...oneOptions } = withDefaults(one).options
  const { expireAfterSeconds: others, ...otherOptions } = withDefaults(other).options
  return sameKey(one, other) && same(oneOptions, otherOptions) && ones !== undefined && others !== undefined
}

export function sameKey(one: IndexState, other: IndexState): boolean {
  return JSON.stringify(Object.entries(one.key)) === JSON.stringify(Object.entries(other.key))
}

/** Whether two values mean the same to a server, whatever the order of their fields. */
export function same(one: unknown, other: unknown): boolean {
  return text(one) === text(other)
}

/** Servers add defaults to what they report (a collation's strength…): what is declared must be there. */
function includes(is: unknown, declared: unknown): boolean {
  if (declared !== null && typeof declared === 'object' && is !== null && typeof is === 'object') {
    const fields = new Map<string, unknown>(Object.entries(is))
    return Object.entries(declared).every(([name, value]) => includes(fields.get(name), value))
  }
  return same(is, declared)
}

function text(value: unknown): string {
  return canonicalJson(JSON.parse(BSON.EJSON.stringify({ value }, { relaxed: true })))
}

function show(value: unknown): string {
  return value === undefined ? 'not set' : JSON.stringify(value)
}

function showIndex({ key, options }: IndexState): string {
  return `${JSON.stringify(key)}${Object.keys(options).length === 0 ? '' : ` ${JSON.stringify(options)}`}`
}

/** Options that are set to what they are without being set. */
function withoutUnset(options: Document): Document {
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined && value !== false && value !== null),
  )
}
