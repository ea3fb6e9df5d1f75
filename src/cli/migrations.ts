import { badInput, exitClass } from '../lib/index.ts'
import { formatFinding, lintMigrations, newMigration, PHASES, phaseSchema, writeLock } from '../migrations/index.ts'
import { readArguments } from './arguments.ts'
import type { Console } from './console.ts'

const folder = { type: 'string', default: 'deployment/production/migrations' } as const

/** `migrations new|lock|lint`: the files of migrations, without a database. */
export async function migrationsCommand([verb, ...args]: readonly string[], { print }: Console): Promise<number> {
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
      const { values } = readArguments('migrations lint', args, { folder, json: { type: 'boolean', default: false } })
      const findings = await lintMigrations(values.folder)
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
