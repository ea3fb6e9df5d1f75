import { badInput, exitClass, tryRun } from '../lib/index.ts'
import {
  formatFinding,
  LOCK_FILE,
  lintMigrations,
  newMigration,
  PHASES,
  parseLock,
  phaseSchema,
  writeLock,
} from '../migrations/index.ts'
import { readArguments } from './arguments.ts'
import type { Console } from './console.ts'

const folder = { type: 'string', default: 'deployment/production/migrations' } as const

/** `migrations new|lock|lint`: the files of migrations, without a database. */
export async function migrationsCommand([verb, ...args]: readonly string[], { print, env }: Console): Promise<number> {
  switch (verb) {
    case 'new': {
      const options = { folder, phase: { type: 'string', default: 'expand' } } as const
      const { values, positionals } = readArguments('migrations new', args, options, 1)
      const phase = phaseSchema.safeParse(values.phase)
      if (!phase.success) throw badInput(`migrations new: --phase is "${values.phase}"; allowed: ${PHASES.join(', ')}`)
      const [name] = positionals
      if (name === undefined) throw badInput('migrations new: give it a name, like add_report_state')
      print(await newMigration(values.folder, name, phase.data))
      return exitClass.ok
    }
    case 'lock': {
      const { values } = readArguments('migrations lock', args, { folder })
      await writeLock(values.folder)
      print(`${values.folder}: locked`)
      return exitClass.ok
    }
    case 'lint': {
      const options = { folder, since: { type: 'string' }, json: { type: 'boolean', default: false } } as const
      const { values } = readArguments('migrations lint', args, options)
      const { since } = values
      const released = since === undefined ? {} : { released: await lockedAt(since, values.folder, env.PATH ?? '') }
      const findings = await lintMigrations(values.folder, released)
      if (values.json) print(JSON.stringify({ findings }))
      else {
        for (const finding of findings) print(formatFinding(finding))
        print(`${findings.length} findings`)
      }
      return findings.some(({ level }) => level === 'error') ? exitClass.refused : exitClass.ok
    }
    default:
      throw badInput(`migrations: there are new, lock and lint, not "${verb ?? ''}"`)
  }
}

/**
 * The ids that a commit has locked: of the branch that is released, or of the last release.
 * @param ref what git takes for a commit
 */
async function lockedAt(ref: string, folder: string, path: string): Promise<string[]> {
  // Git would take the index for a commit without a name.
  if (ref === '') throw badInput('migrations lint: --since is empty: name the commit, branch or tag that is released')
  const what = `migrations lint: --since ${ref}`
  const args = ['-C', folder, 'show', '--end-of-options', `${ref}:./${LOCK_FILE}`]
  const { code, stdout, stderr } = await tryRun('git', args, { env: { PATH: path } })
  if (code !== 0) throw badInput(`${what}: git has no ${LOCK_FILE} of ${folder} there (${stderr.split('\n')[0]})`)
  try {
    return parseLock(stdout).map(({ id }) => id)
  } catch {
    throw badInput(`${what}: the ${LOCK_FILE} of ${folder} there is no lock of migrations`)
  }
}
