import { MongoBulkWriteError, MongoError, MongoServerError } from 'mongodb'
import { Failure, messageOf } from '../lib/index.ts'
import { isConnectionLoss } from './connection-loss.ts'

/** Engine errors of V8: their messages name properties and variables, never what is in them. */
const OF_THE_LANGUAGE = [TypeError, ReferenceError, RangeError]

/**
 * What was thrown, in words that carry no value of a document. A server's message quotes the document that it refuses, so only
 * its code, its name, and the names of index and collection are taken.
 */
export function withoutValues(thrown: unknown): string {
  if (thrown instanceof Failure) return thrown.message
  if (isConnectionLoss(thrown)) return 'the connection to the database broke'
  if (thrown instanceof MongoBulkWriteError || thrown instanceof MongoServerError) return ofServer(thrown)
  if (thrown instanceof MongoError) return `${thrown.name}: ${thrown.message}`
  if (OF_THE_LANGUAGE.some((kind) => thrown instanceof kind)) return `${placeOf(thrown)}${messageOf(thrown)}`
  if (thrown instanceof SyntaxError) return `${placeOf(thrown)}SyntaxError (its message is withheld: it may quote data)`
  return `${placeOf(thrown)}${messageOf(thrown)}`
}

function ofServer(error: MongoServerError): string {
  const code = Number(error.code)
  const index = /\bindex: ([\w.$-]+)/.exec(error.message)?.[1]
  const namespace = /\bcollection: ([\w.$-]+)/.exec(error.message)?.[1]
  const where = [namespace, index && `index ${index}`].filter(Boolean).join(', ')
  if (code === 11000) return `duplicate key${where === '' ? '' : ` in ${where}`} (code 11000)`
  if (code === 121) return 'a document does not satisfy the validator (code 121)'
  return `the database refused: ${error.codeName ?? error.name} (code ${code}; its message is withheld: it may quote data)`
}

/** Line and column within the migration's file, from the stack. */
function placeOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return ''
  const place = /data:text\/javascript;base64,[^:)]+:(\d+):(\d+)/.exec(thrown.stack ?? '')
  return place === null ? '' : `line ${place[1]}: `
}
