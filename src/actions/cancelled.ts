import type { TransactionRequestInput } from '../agent/client.ts'

/** What a cancelled job leaves on the server of a transaction that it asked for there, and what can be typed about it. */
export function cancelledText(request: TransactionRequestInput, id: string): string {
  const { kind } = request
  const follow = `on the server: pacs-agent follow ${id} shows it`
  const goesOn = `cancelled here, not on the server: ${kind} goes on there if it was accepted`
  const ending = (what: string) => `${goesOn}; ${follow}, pacs-agent abort ${id} ${what}`
  switch (kind) {
    case 'deploy':
    case 'rollback':
      return ending('undoes it')
    case 'migrate':
      // These are the requester's own work: without it the agent ends them.
      if (request.plan) return `cancelled: a plan ends with the job that asked, and has written nothing; ${follow}`
      if (request.phase === 'expand') {
        return `cancelled: an expand ends with the job that asked; the ledger in the database says what is applied, and the next run goes on from there; a backup before it goes on, and counts for an hour from its end; ${follow}`
      }
      return ending('stops it between two batches, and what is applied by then stays')
    case 'backup':
    case 'verify':
      return ending('ends it')
    case 'core':
    case 'restore':
      return `${goesOn} and cannot be broken off; ${follow}`
    default:
      return `${goesOn}; ${follow}`
  }
}
