import { Failure, messageOf } from '../../lib/index.ts'
import type { TransactionRequest, TransactionResult } from '../protocol.ts'
import { MARK_GOES_ON, MIGRATION_GOES_ON, UNDO_GOES_ON } from './guest.ts'

/** Who else holds the lock; `more` says what about it. */
export function locked(holder: { id: string; kind: string; actor: string; since: string }, more = ''): Failure {
  const { id, kind, actor, since } = holder
  return new Failure('locked', `${kind} ${id} of ${actor} runs since ${since}${more}: wait for it, or follow it`)
}

/** Why a running transaction ends: a deploy is undone; other work stops where it stands. */
export function interruption(kind: TransactionRequest['kind'], why: string): Failure {
  const cause = { cause: why }
  if (kind === 'backup') return new Failure('refused', `${why}: a backup is kept only if it was whole by then`, cause)
  if (kind === 'migrate') return new Failure('failed', `${why}: ${MIGRATION_GOES_ON}`, cause)
  if (kind === 'undo') return new Failure('failed', `${why}: ${UNDO_GOES_ON}`, cause)
  if (kind === 'mark') return new Failure('failed', `${why}: ${MARK_GOES_ON}`, cause)
  return new Failure('rolled-back', why, cause)
}

/** The same of work that had changed nothing yet: it took its backup. */
export function interruptedBefore(interruption: unknown): Failure {
  const why = interruption instanceof Failure ? interruption.cause : interruption
  return new Failure('refused', `${messageOf(why)}: it took its backup, the database was not touched; ask again`)
}

/** What work comes to that was ended on its way, as for its time: nobody knows that nothing changed. */
export function endedOnTheWay(goesOn: string): (thrown: unknown) => never {
  return (thrown) => {
    if (!(thrown instanceof Failure) || thrown.kind !== 'error') throw thrown
    throw new Failure('failed', `${thrown.message}: ${goesOn}`)
  }
}

/** What a transaction comes to that threw. */
export function outcomeOf(thrown: unknown): Pick<TransactionResult, 'outcome' | 'message'> {
  const message = messageOf(thrown)
  if (!(thrown instanceof Failure)) return { outcome: 'failed', message: `the agent met a bug: ${message}` }
  switch (thrown.kind) {
    case 'bad-input':
    case 'refused':
    case 'failed':
    case 'locked':
    case 'rolled-back':
      return { outcome: thrown.kind, message }
    default:
      // Anything else went wrong before the first change; after it, an undo has spoken.
      return { outcome: 'refused', message: `before anything changed: ${message}` }
  }
}
