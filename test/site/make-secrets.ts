// The secrets of the shipped stack, made as .env.example says: by make-secrets.sh, and those who may log in.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from '../../src/lib/index.ts'
import { usersFile } from './users.ts'

const SCRIPT = join(import.meta.dirname, '../../deployment/production/scripts/make-secrets.sh')

/** Values that must never be seen outside the private places of the server. */
export interface ServerSecrets {
  orthancPassword: string
  mongodbRootPassword: string
  mongodbAppPassword: string
  mongodbMigrationsPassword: string
  mongodbBackupPassword: string
  mongodbKeyfile: string
  redisAppPassword: string
  redisBackupPassword: string
  resticPassword: string
  appSessionKey: string
}

/** @returns the values by name, and all files, `secrets/…` → content */
export async function makeSecrets(): Promise<{ values: ServerSecrets; files: Readonly<Record<string, string>> }> {
  const folder = await mkdtemp(join(tmpdir(), 'pacs-secrets-'))
  try {
    await run(SCRIPT, [folder], { env: { PATH: process.env.PATH ?? '' } })
    const read = async (name: string): Promise<[string, string]> => [name, await readFile(join(folder, name), 'utf8')]
    const made = new Map(await Promise.all((await readdir(folder)).map(read)))
    const value = (name: string): string => {
      const found = made.get(name)
      if (found === undefined) throw new Error(`make-secrets.sh makes no ${name}`)
      return found
    }
    const files = [...made, ['app-users.json', usersFile()] as const].map(([name, content]) => [
      `secrets/${name}`,
      content,
    ])
    return {
      values: {
        orthancPassword: value('orthanc-password'),
        mongodbRootPassword: value('mongodb-root-password'),
        mongodbAppPassword: value('mongodb-app-password'),
        mongodbMigrationsPassword: value('mongodb-migrations-password'),
        mongodbBackupPassword: value('mongodb-backup-password'),
        mongodbKeyfile: value('mongodb-keyfile'),
        redisAppPassword: value('redis-app-password'),
        redisBackupPassword: value('redis-backup-password'),
        resticPassword: value('restic-password'),
        appSessionKey: value('app-session-key'),
      },
      files: Object.fromEntries(files),
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
