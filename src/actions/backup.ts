import { jobContext, readInputs, runAction } from '../runner/index.ts'
import { cleanUp, serverInputs, withServer } from './server.ts'
import { carryOut } from './transaction.ts'
import { requester } from './transaction-inputs.ts'

export function main(): Promise<void> {
  return runAction('Backup', async (job) => {
    const inputs = readInputs(serverInputs)
    const { environment } = inputs
    job.report.subject = `Back up ${environment}`
    await withServer(inputs, job, async ({ agent }) => {
      const purpose = { environment, release: jobContext().runId }
      await carryOut({ kind: 'backup', ...requester() }, null, purpose, agent, job)
    })
  })
}

export const post = cleanUp
