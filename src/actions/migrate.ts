import type { OpenDatabase } from '../agent/client.ts'
import { refused } from '../lib/index.ts'
import { emptyPinned, migrationPhaseSchema, parsePinned } from '../release/index.ts'
import { flag, mask, oneOf, optional, path, readInputs, required, runAction, writeOutputs } from '../runner/index.ts'
import { amissByTunnel, databaseInputs } from './database-inputs.ts'
import { cleanUp, type Server, serverInputs, withServer } from './server.ts'
import { carryOut } from './transaction.ts'
import { registryInputs, registryLogin, releaseReference, requester } from './transaction-inputs.ts'

const PHASES = migrationPhaseSchema.options

const readers = {
  ...serverInputs,
  release: optional(releaseReference),
  phase: oneOf(...PHASES, 'all'),
  plan: flag,
  reason: optional(required),
  migrations: path,
  'allow-core': flag,
  'no-backup': optional(required),
  via: oneOf('agent', 'tunnel'),
  ...databaseInputs,
  ...registryInputs,
}

export function main(): Promise<void> {
  return runAction('Migrate', async (job) => {
    const inputs = readInputs(readers, ({ plan, phase, via, ...given }) => {
      const isUnnamed = 'release' in given && given.release === undefined
      return [
        ...(via === 'tunnel' ? amissByTunnel(given) : []),
        ...(via === 'agent' && plan === false && isUnnamed
          ? [`${emptyPinned('input release')}; only a plan needs none`]
          : []),
        ...(plan === false && phase === 'all' ? [`input phase: "all" is for a plan; write ${PHASES.join(', ')}`] : []),
      ]
    })
    const { environment, phase, plan, migrations: folder, reason, 'no-backup': noBackup } = inputs
    job.report.subject = `${plan ? 'Plan' : 'Migrate'} ${environment} (${phase})`
    await withServer(inputs, job, async (server) => {
      if (inputs.via === 'tunnel') {
        const { migrateByTunnel } = await import(/* webpackMode: "eager" */ './migration-by-tunnel.ts')
        return migrateByTunnel(inputs, server, job)
      }
      const release = inputs.release ?? (await whatServes(server))
      job.report.rows.push(['release', inputs.release ?? `what serves: ${release}`])
      const asked = { ...requester(), ...registryLogin(inputs, parsePinned('release', release)), release }
      const core = { kind: 'core' as const, ...asked, allowCore: inputs['allow-core'] }
      const request = {
        ...{ ...core, kind: 'migrate' as const, phase: phase === 'all' ? 'expand' : phase, plan },
        ...(reason === undefined ? {} : { reason }),
        ...(noBackup === undefined ? {} : { noBackup }),
      }
      if (plan) {
        const options = { folder, phases: phase === 'all' ? PHASES : [phase], mustMatch: inputs.release !== undefined }
        const purpose = { environment, release: `${release} plan ${phase}` }
        // A plan starts nothing: what is not there yet is said.
        await carryOut(request, null, purpose, server.agent, job, async (database, signal) =>
          (await engineFor(database)).planHere(database, server, job, { ...options, signal }),
        )
        return
      }
      const purpose = { environment, release: `${release} ${phase}` }
      const { pending } = await carryOut(request, core, purpose, server.agent, job, async (database, signal) =>
        (await engineFor(database)).runHere(database, server, { folder, phase: request.phase, signal }),
      )
      if (pending === undefined) return
      writeOutputs({ pending: pending[request.phase].join(','), 'pending-data': pending.data.join(',') })
    })
  })
}

export const post = cleanUp

/** Loaded only where it works here: data and contract run on the server. */
function engineFor({ password }: OpenDatabase) {
  mask(password)
  return import(/* webpackMode: "eager" */ './migration-work.ts')
}

/** @throws Failure `refused` on a server where nothing serves yet. */
async function whatServes({ agent, environment }: Server): Promise<string> {
  const { releases } = await agent.releases()
  const serving = releases.find(({ state }) => state === 'serving')
  if (serving === undefined) {
    throw refused(`nothing serves ${environment.name} yet: a plan needs what serves there, or the input release`)
  }
  return serving.reference
}
