import type { AgentClient } from '../agent/client.ts'
import { badInput, refused } from '../lib/index.ts'
import { type PinnedImage, parsePinned, type ReleaseId, releaseIdSchema } from '../release/index.ts'
import { oneOf, type Reader, readInputs, required, runAction } from '../runner/index.ts'
import { cleanUp, serverInputs, withServer } from './server.ts'
import { carryOut } from './transaction.ts'
import { registryInputs, registryLogin, releaseReference, requester, watchInputs } from './transaction-inputs.ts'

/** A release by its id or by its image; empty is the previous one. */
const target: Reader<{ id: ReleaseId } | { reference: string } | undefined> = (name, value) => {
  if (value === '') return undefined
  if (value.includes('@')) return { reference: releaseReference(name, value) }
  const id = releaseIdSchema.safeParse(value)
  if (id.success) return { id: id.data }
  throw badInput(
    `${name}: ${JSON.stringify(value.slice(0, 120))} is neither a release id (20261124t101500z-abc1234def01) nor an image by digest`,
  )
}

const reason: Reader<string> = (name, value) => {
  if (required(name, value).length > 500) throw badInput(`${name} is longer than 500 characters`)
  return value
}

export function main(): Promise<void> {
  return runAction('Roll back', async (job) => {
    const inputs = readInputs({
      ...serverInputs,
      release: target,
      reason,
      config: oneOf('its-own', 'current'),
      ...watchInputs,
      ...registryInputs,
    })
    const { environment, config, watch, hold, 'keep-warm': keepWarm } = inputs
    job.report.subject = `Roll back ${environment}`
    job.report.rows.push(['reason', inputs.reason])
    await withServer(inputs, job, async ({ agent }) => {
      const { to, image } = await findTarget(agent, inputs.release)
      const request = {
        kind: 'rollback' as const,
        ...(to === undefined ? {} : { to }),
        ...{ config, reason: inputs.reason, watch, hold, keepWarm },
        ...requester(),
        ...(image ? registryLogin(inputs, image) : {}),
      }
      await carryOut(request, null, { environment, release: to ?? 'previous' }, agent, job)
    })
  })
}

export const post = cleanUp

type Target = ReturnType<typeof target>

/** The id of the wanted release, and an image of the registry that it comes from. */
async function findTarget(agent: AgentClient, wanted: Target): Promise<{ to?: ReleaseId; image?: PinnedImage }> {
  const { releases } = await agent.releases()
  const images = releases.map(({ reference }) => parsePinned('the reference of a release on the server', reference))
  const [anyImage] = images
  const common = anyImage ? { image: anyImage } : {}
  if (wanted === undefined) return common
  if ('id' in wanted) return { to: wanted.id, ...common }
  const found = releases.find(({ reference }) => reference === wanted.reference)
  if (found) return { to: found.id, image: parsePinned('release', found.reference) }
  const known = releases.map(({ id, state }) => `${id} (${state})`).join(', ') || 'none'
  throw refused(`this server never accepted ${wanted.reference}; it can go back to: ${known}`)
}
