import { parsePinned } from '../release/index.ts'
import { flag, readInputs, runAction } from '../runner/index.ts'
import { cleanUp, serverInputs, withServer } from './server.ts'
import { carryOut } from './transaction.ts'
import { registryInputs, registryLogin, releaseReference, requester, watchInputs } from './transaction-inputs.ts'

export function main(): Promise<void> {
  return runAction('Deploy', async (job) => {
    const inputs = readInputs({
      ...serverInputs,
      release: releaseReference,
      'allow-core': flag,
      ...watchInputs,
      ...registryInputs,
    })
    const { environment, release, 'allow-core': allowCore, watch, hold, 'keep-warm': keepWarm } = inputs
    job.report.subject = `Deploy to ${environment}`
    job.report.rows.push(['release', release])
    const asked = { ...requester(), ...registryLogin(inputs, parsePinned('release', release)), release, allowCore }
    await withServer(inputs, job, async ({ agent }) => {
      const deploy = { kind: 'deploy' as const, ...asked, watch, hold, keepWarm }
      await carryOut(deploy, { kind: 'core', ...asked }, { environment, release }, agent, job)
    })
  })
}

export const post = cleanUp
