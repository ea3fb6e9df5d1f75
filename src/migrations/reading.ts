import type { Document } from 'mongodb'
import type { Change } from './definition.ts'

type ChangeOf = (document: Document) => Change | null

/** What `change` makes of a document, and the fields that this rests upon. */
export type Reading = (document: Document) => { change: Change | null; reads: Iterable<string> }

/** Names that languages and drivers look up of any object. */
const LOOKED_UP = new Set(['then', 'toJSON', 'toBSON', '_bsontype'])

/**
 * Reads all that a document has, and by name what `change` asks it for and it lacks. One who lists the fields, as a spread or a copy
 * does, names none that it lacks.
 */
export function readingAll(change: ChangeOf): Reading {
  let lacks = new Set<string>()
  const note = (name: string | symbol) => {
    if (typeof name === 'string' && !(name in Object.prototype) && !LOOKED_UP.has(name)) lacks.add(name)
  }
  const listener: ProxyHandler<Document> = {
    get(document, name) {
      const value: unknown = Reflect.get(document, name)
      if (value === undefined) note(name)
      return value
    },
    has(document, name) {
      const has = Reflect.has(document, name)
      if (!has) note(name)
      return has
    },
    getOwnPropertyDescriptor(document, name) {
      const descriptor = Reflect.getOwnPropertyDescriptor(document, name)
      if (descriptor === undefined) note(name)
      return descriptor
    },
  }
  const ask = (document: Document) => {
    let made: Change | null = null
    try {
      made = change(new Proxy(document, listener))
    } catch {}
    // Not everything takes a proxy: structuredClone does not, which a change of its own try may answer by null.
    return made ?? change(document)
  }
  return (document) => {
    lacks = new Set()
    return { change: ask(document), reads: [...Object.keys(document), ...lacks] }
  }
}
