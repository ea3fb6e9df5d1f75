/** What MongoDB's `$jsonSchema` knows: draft 4 without references, formats and defaults, with bsonType. */
const KEYWORDS = [
  'additionalItems',
  'additionalProperties',
  'allOf',
  'anyOf',
  'bsonType',
  'dependencies',
  'description',
  'encrypt',
  'encryptMetadata',
  'enum',
  'exclusiveMaximum',
  'exclusiveMinimum',
  'items',
  'maximum',
  'maxItems',
  'maxLength',
  'maxProperties',
  'minimum',
  'minItems',
  'minLength',
  'minProperties',
  'multipleOf',
  'not',
  'oneOf',
  'pattern',
  'patternProperties',
  'properties',
  'required',
  'title',
  'type',
  'uniqueItems',
]
const OF_SCHEMAS = ['additionalItems', 'additionalProperties', 'items', 'not', 'allOf', 'anyOf', 'oneOf']
const BY_NAME = ['properties', 'patternProperties', 'dependencies']

/** A keyword that a server would refuse, or a type that drivers do not send; `word` is what stands in the file. */
interface SchemaProblem {
  word: string
  message: string
  fix: string
}

/** What is wrong with `schema`, at any depth. */
export function schemaProblems(schema: unknown): SchemaProblem[] {
  if (schema === null || typeof schema !== 'object' || Array.isArray(schema)) return []
  const found: SchemaProblem[] = []
  const entries: [string, unknown][] = Object.entries(schema)
  for (const [keyword, value] of entries) {
    if (!KEYWORDS.includes(keyword)) {
      const message = `$jsonSchema has no keyword "${keyword}": a server refuses the whole validator`
      found.push({
        word: keyword,
        message,
        fix: 'remove it: MongoDB knows draft 4 without references, formats and defaults',
      })
    } else if (keyword === 'type' && list(value).includes('integer')) {
      const message = 'type "integer" is unknown to MongoDB'
      found.push({ word: 'integer', message, fix: "write bsonType: ['int', 'long', 'double']" })
    } else if (keyword === 'bsonType' && list(value).some((one) => one === 'int' || one === 'long')) {
      if (!list(value).includes('double')) {
        const message = `bsonType "${list(value).join(', ')}" alone refuses whole numbers that a driver sends as double`
        found.push({ word: 'bsonType', message, fix: "write bsonType: ['int', 'long', 'double']" })
      }
    }
    if (BY_NAME.includes(keyword)) found.push(...valuesOf(value).flatMap(schemaProblems))
    else if (OF_SCHEMAS.includes(keyword))
      found.push(...(Array.isArray(value) ? value : [value]).flatMap(schemaProblems))
  }
  return found
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [value]
}

function valuesOf(value: unknown): unknown[] {
  return value !== null && typeof value === 'object' ? Object.values(value) : []
}
