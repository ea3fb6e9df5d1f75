import {
  MongoBulkWriteError,
  MongoNetworkError,
  MongoNotConnectedError,
  MongoOperationTimeoutError,
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

/** Whether what was thrown says that the way to the database broke: what was asked last may have been done or not. */
export function isConnectionLoss(thrown: unknown): boolean {
  if (LOSSES.some((kind) => thrown instanceof kind)) return true
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
