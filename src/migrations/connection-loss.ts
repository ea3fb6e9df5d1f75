import {
  MongoBulkWriteError,
  MongoNetworkError,
  MongoNotConnectedError,
  MongoOperationTimeoutError,
  MongoServerError,
  MongoServerSelectionError,
  MongoTopologyClosedError,
} from 'mongodb'
import { Failure } from '../lib/index.ts'

const LOSSES = [
  MongoNetworkError,
  MongoServerSelectionError,
  MongoOperationTimeoutError,
  MongoNotConnectedError,
  MongoTopologyClosedError,
]

/**
 * Codes of a server that goes away or is no primary any more (error_codes.yml in its source). A driver asks again by itself only where no
 * statement is for several documents.
 */
const LEAVING = new Set<unknown>([91, 189, 10107, 11600, 11602, 13435, 13436])

/** Whether what was thrown says that the way to the database broke: what was asked last may have been done or not. */
export function isConnectionLoss(thrown: unknown): boolean {
  if (LOSSES.some((kind) => thrown instanceof kind)) return true
  if (thrown instanceof MongoServerError && LEAVING.has(thrown.code)) return true
  // A bulk write wraps what cut it.
  if (thrown instanceof MongoBulkWriteError && isConnectionLoss(thrown.errorResponse)) return true
  return thrown instanceof Error && thrown.cause !== undefined && isConnectionLoss(thrown.cause)
}

/** `thrown` as a failure of the world when the way to the database broke, else as it is. */
export function told(thrown: unknown, what: string): unknown {
  if (thrown instanceof Failure || !isConnectionLoss(thrown)) return thrown
  return new Failure('unreachable', `${what}: the connection to the database broke; ask again, it continues`, {
    cause: thrown,
  })
}
