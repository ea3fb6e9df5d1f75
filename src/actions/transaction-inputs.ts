import { formatPinned, type PinnedImage, parsePinned, registryOf } from '../release/index.ts'
import { duration, jobContext, mask, optional, required, secret, text } from '../runner/index.ts'

const HOUR_MS = 3_600_000

/** How long a release is watched, and how long the one before it stays at hand. */
export const watchInputs = {
  watch: duration(HOUR_MS),
  hold: duration(HOUR_MS),
  'keep-warm': duration(24 * HOUR_MS),
}

/** The login with which the server pulls; an empty password leaves it to what the server has. */
export const registryInputs = {
  'registry-username': text,
  'registry-password': secret(optional(required)),
}

export interface RegistryInputs {
  'registry-username': string
  'registry-password': string | undefined
}

/** `release` by digest, in its one spelling. */
export const releaseReference = (name: string, value: string) => formatPinned(parsePinned(name, value))

/** The login for the registry of `image`, if a password came. */
export function registryLogin(inputs: RegistryInputs, image: PinnedImage | { repository: string }) {
  const { 'registry-username': username, 'registry-password': password } = inputs
  return password === undefined ? {} : { registry: { server: registryOf(image.repository), username, password } }
}

/** Docker writes a login as base64 of `user:password` into its configuration. */
export function maskLogin({ username, password }: { username: string; password: string }): void {
  mask(Buffer.from(`${username}:${password}`).toString('base64'))
}

/** Who asks, for the server's audit. */
export function requester() {
  const { actor, run } = jobContext()
  return { actor, run }
}
