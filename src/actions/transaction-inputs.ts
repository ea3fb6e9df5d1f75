import { formatPinned, type PinnedImage, parsePinned, registryOf } from '../release/index.ts'
import { duration, jobContext, log, mask, optional, required, secret, text } from '../runner/index.ts'

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

/** What the tokens begin with that GitHub makes for a job or an app, also on an Enterprise Server. */
const INSTALLATION_TOKEN = 'ghs_'

/** The login for the registry of `image`, if a password came; GitHub's own token, an action's default, is none at another registry. */
export function registryLogin(inputs: RegistryInputs, image: PinnedImage | { repository: string }) {
  const { 'registry-username': username, 'registry-password': password } = inputs
  const server = registryOf(image.repository)
  if (password === undefined) return {}
  if (password.startsWith(INSTALLATION_TOKEN) && !isOfGitHub(server)) {
    log.info(
      `GitHub's own token is not sent to ${server}: where that wants a login, give registry-username and registry-password`,
    )
    return {}
  }
  return { registry: { server, username, password } }
}

/** Whether GitHub's registry, or that of the Enterprise Server that runs this job, is at `server`. */
function isOfGitHub(server: string): boolean {
  const { source } = jobContext()
  const own = source === undefined ? [] : [`containers.${new URL(source).hostname}`]
  return ['ghcr.io', ...own].includes(server.toLowerCase())
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
