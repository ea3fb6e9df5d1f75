import { ObjectId } from 'mongodb'
import { RequestProblem } from '../problems.js'

/**
 * The id of a record in a path.
 * @param {unknown} text
 * @throws {RequestProblem} 400
 */
export function readId(text) {
  if (typeof text === 'string' && /^[0-9a-f]{24}$/.test(text)) return new ObjectId(text)
  throw new RequestProblem(400, 'the id in the path is not valid')
}
