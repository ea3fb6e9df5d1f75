import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { isMissing, messageOf, replaceFile } from '../../lib/index.ts'

/** What `docker login` leaves. */
const ownSchema = z.object({ auths: z.record(z.string(), z.unknown()) })

interface RegistryLogin {
  server: string
  username: string
  password: string
}

/**
 * Logs the client of the engine in by its private `directory`: with the login that a request brings, else with the one that the server
 * has for itself in the file `own`. One that cannot be read is told to `log`, and holds up nothing that needs no registry.
 * @returns what logs it out
 */
export function openLogins(directory: string, own: string, log: (line: string) => void) {
  const file = join(directory, 'config.json')
  return async (brought?: RegistryLogin): Promise<() => Promise<void>> => {
    const auths = brought ? authsOf(brought) : await readOwn(own, log)
    if (auths === null) return async () => undefined
    await replaceFile(file, JSON.stringify({ auths }), 0o600)
    return () => rm(file, { force: true })
  }
}

/** Under this name the client of the engine looks for a login at Docker Hub. */
const DOCKER_HUB = 'https://index.docker.io/v1/'

function authsOf({ server, username, password }: RegistryLogin) {
  return {
    [server === 'docker.io' ? DOCKER_HUB : server]: { auth: Buffer.from(`${username}:${password}`).toString('base64') },
  }
}

async function readOwn(own: string, log: (line: string) => void): Promise<Record<string, unknown> | null> {
  try {
    return ownSchema.parse(JSON.parse(await readFile(own, 'utf8'))).auths
  } catch (thrown) {
    if (isMissing(thrown)) return null
    const why =
      thrown instanceof SyntaxError || thrown instanceof z.ZodError ? 'no docker login wrote it' : messageOf(thrown)
    log(`the server's own login at its registry, ${own}, is left out: ${why}`)
    return null
  }
}
