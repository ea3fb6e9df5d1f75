// An agent that lets the action migrate do its own part.
import type { OpenDatabase, RequesterReport, TransactionEvent } from '../../../src/agent/protocol.ts'
import { releaseIdSchema, sha256 } from '../../../src/release/index.ts'
import { replay, result, twoSteps } from '../agent/daemon-fixture.ts'
import type { Server } from './server.ts'

const id = releaseIdSchema.parse('20261121t100000z-000000000001')

/** `reference` serves. */
export function servesRelease(server: Server, reference: string): void {
  const release = { id, reference, content: sha256('content'), commit: '', accepted: '', state: 'serving' as const }
  server.daemon.service.releases = async () => ({ releases: [release] })
}

/** Every transaction opens the database `pacs` to the requester, and ends with what that reports. */
export function openingDatabase(server: Server, password: string, migrations: OpenDatabase['migrations']): void {
  const { service } = server.daemon
  service.database = async () => {
    return { port: 27017, database: 'pacs', username: 'migrations', password, release: id, migrations }
  }
  service.submit = async (transaction, request, key) => {
    const reported = Promise.withResolvers<RequesterReport>()
    const report = service.reports.push.bind(service.reports)
    service.report = async (...[of, said, by]) => {
      report({ id: of, report: said, key: by })
      reported.resolve(said)
    }
    service.submitted.push({ id: transaction, request, key })
    service.transactions.set(transaction, async function* (after) {
      const open: TransactionEvent = { seq: 3, at: result.at, type: 'step', step: 'open', message: 'to octocat' }
      yield* replay([...twoSteps, open], after)
      const { outcome, message } = await reported.promise
      const end = { outcome, message, serving: null, previous: null }
      yield* replay([{ ...result, seq: 4, type: 'result', result: end }], after)
    })
  }
}
