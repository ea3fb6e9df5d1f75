import type { TransactionResult } from '../../../src/agent/protocol.ts'
import { replay, result, ScriptedService, twoSteps } from '../agent/daemon-fixture.ts'
import type { Server } from './server.ts'

/** Lets every transaction that this server is asked for end with `end`. */
export function endingWith({ daemon: { service } }: Server, end: TransactionResult): void {
  const submit = ScriptedService.prototype.submit.bind(service)
  service.submit = async (id, request, key) => {
    service.transactions.set(id, (after) => replay([...twoSteps, { ...result, type: 'result', result: end }], after))
    await submit(id, request, key)
  }
}
