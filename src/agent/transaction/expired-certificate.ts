import { expiredOn } from '../server/check-certificate.ts'
import type { Instance } from './state.ts'
import type { World } from './world.ts'

/** What the result of a rollback says of the certificate that came back with the configuration of `instance`; empty unless that expired. */
export async function expiryNote(instance: Instance, world: World): Promise<string> {
  const certificate = await world.certificateOf(instance)
  const day = certificate === null ? null : expiredOn(certificate, world.now())
  return day === null
    ? ''
    : `; its certificate expired on ${day}: pacs-agent deploy ${instance.reference} brings it with the present one, which a rollback takes by --config current`
}
