import { chmod, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { badInput, redactor, refused } from '../lib/index.ts'
import { askRegistry, type RegistryAccess, registryOf } from '../release/index.ts'

/** A login for one registry. */
export interface RegistryLogin {
  server: string
  username: string
  password: string
}

/**
 * Runs `work` with a docker client that is logged in by a private DOCKER_CONFIG in `directory`, and takes the login away afterwards.
 * @param host of the engine, since a private DOCKER_CONFIG knows no contexts.
 * @throws Failure `bad-input` when the login is for another registry than `prefix`'s, `refused` when the registry does not accept it.
 */
export async function withLogin<T>(
  login: RegistryLogin | undefined,
  options: { prefix: string; directory: string; host: string } & RegistryAccess,
  work: (access: RegistryAccess) => Promise<T>,
): Promise<T> {
  const { env, signal, log, pause } = options
  if (!login) return work({ env, signal, log, ...(pause ? { pause } : {}) })
  const registry = registryOf(options.prefix)
  if (login.server !== registry) {
    throw badInput(`registry login: it is for ${login.server}, but prefix ${options.prefix} is on ${registry}`)
  }
  const redact = redactor([login.password, `${login.username}:${login.password}`])
  const config = join(options.directory, 'config.json')
  await mkdir(options.directory, { recursive: true, mode: 0o700 })
  await chmod(options.directory, 0o700)
  // An entry that is there keeps docker from looking for a keychain to put the password into.
  await writeFile(config, JSON.stringify({ auths: { [registry]: {} } }), { mode: 0o600 })
  const access = {
    env: { ...env, DOCKER_CONFIG: options.directory, ...(options.host === '' ? {} : { DOCKER_HOST: options.host }) },
    signal,
    log,
    redact,
    ...(pause ? { pause } : {}),
  }
  try {
    const args = ['login', '--username', login.username, '--password-stdin', registry]
    const said = await askRegistry('log in to', registry, args, { ...access, input: login.password })
    if (typeof said !== 'string') throw refused(`log in to ${registry}: there is no registry; is the address right?`)
    return await work(access)
  } finally {
    await rm(config, { force: true })
  }
}
