/** A value that BSON leaves out, or makes something else of, without a word. */
interface Loss {
  /** Where it is, from the field down: `patient.born`. */
  path: string
  what: string
}

/** What of `value`, which is at `path`, would not be stored as it is; null when all of it would. */
export function lossOf(value: unknown, path: string): Loss | null {
  switch (typeof value) {
    case 'object':
      return value === null ? null : lossIn(value, path)
    case 'undefined':
      return { path, what: 'undefined' }
    case 'function':
    case 'symbol':
      return { path, what: `a ${typeof value}` }
    case 'string':
      // Of a text that was cut between the two halves of an emoji, UTF-8 holds a replacement character.
      return value.isWellFormed() ? null : { path, what: 'half a character' }
    case 'bigint':
      return BigInt.asIntN(64, value) === value ? null : { path, what: 'an integer of more than 64 bits' }
    default:
      return null
  }
}

function lossIn(value: object, path: string): Loss | null {
  if ('_bsontype' in value) return null
  const kind = Object.prototype.toString.call(value).slice('[object '.length, -1)
  switch (kind) {
    case 'Object':
    case 'Array':
    case 'Map':
      break
    case 'Date':
      return Number.isNaN(Number(value)) ? { path, what: 'an invalid Date' } : null
    case 'RegExp':
    case 'Uint8Array':
      return null
    default:
      // Of a Promise, a Set, an Error… an object without a field.
      return { path, what: `a ${kind}` }
  }
  // By index: a list may lack values.
  const parts = value instanceof Map || Array.isArray(value) ? value.entries() : Object.entries(value)
  for (const [name, part] of parts) {
    const loss = lossOf(part, '')
    if (loss !== null) return { ...loss, path: `${path}.${name}${loss.path}` }
  }
  return null
}
