import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { badInput, Failure, messageOf, Problems, parseDuration } from '../lib/index.ts'
import { type Digest, sha256 } from '../release/index.ts'
import { definitionSchema, type MigrationDefinition, type Phase } from './definition.ts'
import { compareToLock, readLock, saveLock } from './lock-file.ts'

const FILE = /^(\d{3}_[a-z0-9]+(?:_[a-z0-9]+)*)\.js$/

/** A migration that was read and whose content is the locked one. */
export interface Migration {
  /** File name without `.js`, like `001_create_collections`. */
  id: string
  sha256: Digest
  phase: Phase
  definition: MigrationDefinition
}

/** A migration's text as it lies in the folder. */
export interface MigrationFile {
  id: string
  file: string
  text: string
  sha256: Digest
}

/**
 * The migrations of `folder` in order, each exactly as `migrations.lock.json` names it.
 * @throws Failure `bad-input` that names every edited, missing, added, misnamed or invalid file.
 */
export async function loadMigrations(folder: string): Promise<Migration[]> {
  return importMigrations(await lockedFiles(folder))
}

/**
 * The files of `folder` in order, each exactly as `migrations.lock.json` names it.
 * @throws Failure `bad-input` that names every edited, missing, added or misnamed file.
 */
export async function lockedFiles(folder: string): Promise<MigrationFile[]> {
  const files = await readFiles(folder)
  const problems = new Problems()
  for (const difference of compareToLock(await readLock(folder), files)) problems.add(`${folder}: ${difference}`)
  problems.throwIfAny()
  return files
}

/** @throws Failure `bad-input` that names every invalid one */
export async function importMigrations(files: readonly MigrationFile[]): Promise<Migration[]> {
  const problems = new Problems()
  const migrations: Migration[] = []
  for (const file of files) {
    try {
      migrations.push(await importMigration(file))
    } catch (thrown) {
      if (!(thrown instanceof Failure)) throw thrown
      problems.add(thrown.message)
    }
  }
  problems.throwIfAny()
  return migrations
}

/** Writes `migrations.lock.json` for what lies in `folder`; refuses to lock an edit of a line that is there already. */
export async function writeLock(folder: string): Promise<void> {
  const files = await readFiles(folder)
  const known = await readLock(folder).catch(() => [])
  const problems = new Problems()
  const added = new Set(files.map(({ id }) => id))
  for (const { id } of known) added.delete(id)
  for (const difference of compareToLock(known, files)) {
    if (!difference.includes('is not locked')) problems.add(`${folder}: ${difference}`)
  }
  problems.throwIfAny()
  await saveLock(folder, files)
}

/** @throws Failure `bad-input` for a name that is no migration's, or two with one number. */
export async function readFiles(folder: string): Promise<MigrationFile[]> {
  const names = await readdir(folder).catch((thrown: unknown) => {
    throw badInput(`${folder} cannot be read: ${messageOf(thrown)}`)
  })
  const problems = new Problems()
  const files: MigrationFile[] = []
  for (const name of names.filter((one) => /\.[cm]?[jt]s$/.test(one) && !one.endsWith('.d.ts')).sort()) {
    const id = FILE.exec(name)?.[1]
    if (id === undefined) {
      problems.add(`${join(folder, name)}: a migration is named like 001_create_collections.js`)
      continue
    }
    const twin = files.find((file) => file.id.slice(0, 3) === id.slice(0, 3))
    if (twin !== undefined) problems.add(`${join(folder, name)}: ${twin.id} has the number ${id.slice(0, 3)} already`)
    const text = await readFile(join(folder, name), 'utf8')
    files.push({ id, file: join(folder, name), text, sha256: sha256(text) })
  }
  problems.throwIfAny()
  return files
}

/**
 * Runs the text that was hashed, not the file again: what is locked is what runs. Such a module can import `node:` modules
 * only, so nothing outside the lock has a say.
 */
export async function importMigration({ id, file, text, sha256: content }: MigrationFile): Promise<Migration> {
  const url = `data:text/javascript;base64,${Buffer.from(text).toString('base64')}`
  let exported: unknown
  try {
    // A bundler would otherwise make this import its own.
    const module: { default?: unknown } = await import(/* webpackIgnore: true */ url)
    exported = module.default
  } catch (thrown) {
    throw badInput(`${file} cannot be loaded: ${messageOf(thrown).replace(url, id)}`)
  }
  return { id, sha256: content, ...checkDefinition(file, exported) }
}

function checkDefinition(file: string, exported: unknown): Pick<Migration, 'phase' | 'definition'> {
  // A run checks a few: compiling the schema first would take longer.
  const parsed = definitionSchema.safeParse(exported, { jitless: true })
  if (!isDefinition(exported, parsed)) {
    const object = exported !== null && typeof exported === 'object' ? exported : {}
    if (!('down' in object) && !('irreversible' in object)) {
      throw badInput(`${file}: has neither down(context) nor irreversible: 'why'; write one of them`)
    }
    const issues = parsed.error?.issues ?? []
    const nested = issues.flatMap((issue) => (issue.code === 'invalid_union' ? issue.errors.flat() : [issue]))
    const said = [...new Set(nested.map((issue) => `${issue.path.join('.') || 'default export'}: ${issue.message}`))]
    throw badInput(`${file}: ${said.join('; ')}`)
  }
  if (exported.timeout !== undefined) parseDuration(`${file}: timeout`, exported.timeout)
  return { phase: exported.phase, definition: exported }
}

/** The value itself, not its parsed copy: an author's functions may call each other by `this`. */
function isDefinition(_value: unknown, { success }: { success: boolean }): _value is MigrationDefinition {
  return success
}
