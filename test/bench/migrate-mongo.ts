// The peer of `bench migrate`: migrate-mongo in a folder of its own with the same migrations.
import { copyFile, cp, mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const BY_HAND = join(import.meta.dirname, 'by-hand')

/** As its own example has it: no lock, no hash of files. */
const CONFIG = `export default {
  mongodb: { url: process.env.MONGODB_URL, databaseName: 'pacs', options: {} },
  migrationsDir: 'migrations',
  changelogCollectionName: 'changelog',
  lockCollectionName: 'changelog_lock',
  lockTtl: 0,
  migrationFileExtension: '.js',
  useFileHash: false,
  moduleSystem: 'esm',
}
`

/** Program and working directory of a run by its own interface, and of its command line. */
export interface Project {
  folder: string
  byInterface: readonly string[]
  byCommand: readonly string[]
}

/** Lays `migrations`, a folder of ours, out for migrate-mongo in `folder`. */
export async function writeProject(folder: string, migrations: string, modules: string): Promise<Project> {
  await mkdir(join(folder, 'migrations'), { recursive: true })
  await cp(migrations, join(folder, 'declared'), { recursive: true })
  await copyFile(join(BY_HAND, 'by-hand.js'), join(folder, 'by-hand.js'))
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }\n')
  await writeFile(join(folder, 'migrate-mongo-config.js'), CONFIG)
  for (const name of (await readdir(migrations)).filter((one) => one.endsWith('.js'))) {
    const text = `import migration from '../declared/${name}'
import { byHand } from '../by-hand.js'
export const { up } = byHand(migration)
`
    await writeFile(join(folder, 'migrations', name), text)
  }
  const program = join(modules, 'migrate-mongo/bin/migrate-mongo.js')
  return { folder, byInterface: [join(BY_HAND, 'up.js')], byCommand: [program, 'up'] }
}
