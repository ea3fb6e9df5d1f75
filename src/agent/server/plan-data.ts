import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { badInput } from '../../lib/index.ts'
import { type Account, dataServices, pinnedImage, type Stack } from '../../stack/index.ts'
import type { DataPlan } from '../data/data-plan.ts'
import type { Layout } from '../layout.ts'
import type { DatabaseAccess } from '../protocol.ts'
import type { Release } from '../transaction/world.ts'
import type { ConfigRevision } from './config.ts'

/** Variables of `.env` that say where backups go; what restic needs for its stores is handed on by the names that it knows. */
const REPOSITORY = 'BACKUP_REPOSITORY'
const SECOND_REPOSITORY = 'BACKUP_SECOND_REPOSITORY'
const SECRETS = 'BACKUP_SECRETS'
export const BACKUP_VARIABLES: readonly string[] = [REPOSITORY, SECOND_REPOSITORY, SECRETS]
const STORE_VARIABLE = /^(AWS|AZURE|B2|GOOGLE|OS|ST|RESTIC_REST)_/
/** The file of the configuration with the password of the repositories. */
const PASSWORD_FILE = 'secrets/restic-password'

/** Plans the work on the data of a release with a configuration. */
export async function planData(
  stack: Stack,
  release: Release,
  config: ConfigRevision,
  paths: Layout,
): Promise<DataPlan> {
  const passwordFile = join(config.directory, PASSWORD_FILE)
  const env = Object.fromEntries(Object.entries(config.env).filter(([name]) => STORE_VARIABLE.test(name)))
  const second = config.env[SECOND_REPOSITORY]
  const plan: DataPlan = {
    database: null,
    archives: [],
    caches: [],
    folders: [
      { name: 'stack', path: join(release.directory, 'stack'), secret: false },
      { name: 'audit', path: paths.audit, secret: false },
      { name: 'journal', path: paths.journal, secret: false },
      ...(wantsSecrets(config.env[SECRETS]) ? [{ name: 'config', path: config.directory, secret: true }] : []),
    ],
    repository: { location: config.env[REPOSITORY] || join(paths.backups, 'repository'), passwordFile, env },
    second: second ? { location: second, passwordFile, env } : null,
    release: release.id,
    versions: {},
    stack: join(release.directory, 'stack'),
  }
  const containerOf = (service: string) => stack.services.get(service)?.definition.container_name ?? `pacs-${service}-1`
  const password = (account: Account) => secretOf(config, account.password)
  for (const [service, data] of dataServices(stack)) {
    const container = containerOf(service)
    plan.versions[service] = pinnedImage(release.manifest.images, service)
    if (data.kind === 'orthanc') {
      const index = data.index && { ...data.index, container: containerOf(data.index.service) }
      plan.archives.push({ service, container, volume: data.volume, index })
      if (index) plan.versions[index.service] = pinnedImage(release.manifest.images, index.service)
    }
    if (data.kind === 'redis') {
      plan.caches.push({ service, container, user: data.user.name, password: await password(data.user) })
    }
    if (data.kind !== 'mongodb') continue
    const access = async (account: Account): Promise<DatabaseAccess> => ({
      port: data.port,
      database: data.database,
      username: account.name,
      password: await password(account),
    })
    plan.database = { service, migrate: await access(data.users.migrate), backup: await access(data.users.backup) }
  }
  return plan
}

function wantsSecrets(value = 'no'): boolean {
  if (value === 'yes' || value === 'no') return value === 'yes'
  // Not with the value: a slip in the file may have put a secret there.
  throw badInput(`.env: ${SECRETS} is neither yes nor no`)
}

/** @throws Failure `bad-input` where the file is missing; the check of the configuration names it before. */
async function secretOf({ directory }: ConfigRevision, path: string): Promise<string> {
  const text = await readFile(join(directory, path), 'utf8').catch(() => null)
  if (text === null) throw badInput(`config: ${path} is missing; put it in config/next/${path}`)
  return text.trimEnd()
}
