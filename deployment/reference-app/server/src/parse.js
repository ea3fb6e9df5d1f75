import { z } from 'zod'
import { RequestProblem } from './problems.js'

/**
 * A body with these fields and no others.
 * @template {z.ZodRawShape} T
 * @param {T} fields
 */
export function jsonBody(fields) {
  return z.strictObject(fields, {
    error: (issue) =>
      issue.code === 'invalid_type' ? 'the body must be a JSON object with content-type application/json' : undefined,
  })
}

/**
 * What came with a request, as it must be.
 * @template T
 * @param {z.ZodType<T>} schema
 * @param {unknown} value
 * @returns {T}
 * @throws {RequestProblem} 400 with all that is wrong
 */
export function parse(schema, value) {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.map((issue) =>
    [issue.path.join('.'), issue.message].filter((part) => part !== '').join(': '),
  )
  throw new RequestProblem(400, problems.join('; '))
}
