// npm run build [-- --check] [--no-types] [--node PATH]: writes what is generated and committed (dist/, the aliases, the tables of
// the READMEs, the pins of setup-production.sh), or with --check says what of it is stale. --node names the Node that compiles and
// bundles, --no-types leaves the check of types out; the bytes are the same.
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { badInput, Failure, formatDuration, type ToolsLock, toolsLock } from '../src/lib/index.ts'
import { aliasOf, findActions, findAliases, missingFiles, parseActionFile } from './action-files.ts'
import { fillTables } from './action-readme.ts'
import { type BuildOptions, bundle, type Files } from './bundle.ts'
import { fillPins } from './tool-pins.ts'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const SET_UP = 'deployment/production/scripts/setup-production.sh'
const AUTHOR_TYPES = 'src/migrations/author-types.ts'
/** The same beside the migrations: a file of types alone is its own declaration. */
const TYPES = 'deployment/production/migrations/migration.d.ts'

try {
  const { values } = parseArgs({
    options: {
      check: { type: 'boolean', default: false },
      types: { type: 'boolean', default: true },
      node: { type: 'string', default: process.execPath },
    },
    allowNegative: true,
  })
  const started = Date.now()
  const generated = await generate(values)
  const stale = await staleOf(generated)
  if (values.check && stale.length > 0) {
    throw badInput(`stale: ${stale.join(', ')}\nrun npm run build and commit what it writes`)
  }
  await write(generated, stale)
  const seconds = formatDuration(Date.now() - started)
  console.log(
    `build: ${generated.size} files, ${stale.length === 0 ? 'all up to date' : `${stale.length} written`} (${seconds})`,
  )
} catch (error) {
  if (!(error instanceof Failure)) throw error
  process.stderr.write(`build: ${error.message}\n`)
  process.exitCode = 1
}

/** Every generated file of the repository. */
async function generate(options: BuildOptions): Promise<Files> {
  const actions = await findActions(root)
  const files = await bundle(root, options, actions)
  for (const action of actions) {
    files.set(`${action.name}/action.yml`, aliasOf(action))
    const readme = `actions/${action.name}/README.md`
    files.set(readme, fillTables(readme, await readFile(join(root, readme), 'utf8'), action.file))
  }
  const lock = await readFile(join(root, 'tools.lock.json'), 'utf8')
  files.set(SET_UP, await pinnedSetUp(files, toolsLock.parse(JSON.parse(lock))))
  files.set('dist/tools.lock.json', lock)
  files.set(
    TYPES,
    `// Made by npm run build: what a migration is, for its author's editor.\n${await readFile(join(root, AUTHOR_TYPES), 'utf8')}`,
  )
  for (const [path, text] of files) {
    if (!path.endsWith('/action.yml')) continue
    const missing = missingFiles(path, parseActionFile(path, text), (name) => files.has(name))
    if (missing.length > 0) throw badInput(`${path} names ${missing.join(', ')}, which the build does not make`)
  }
  return files
}

/** setup-production.sh with what it may fetch: the tools of tools.lock.json and the agent of this build. */
async function pinnedSetUp(files: Files, lock: ToolsLock): Promise<string> {
  const { version } = z
    .object({ version: z.string() })
    .parse(JSON.parse(await readFile(join(root, 'package.json'), 'utf8')))
  const agent = { version, content: files.get('dist/agent/index.js') ?? '' }
  return fillPins(await readFile(join(root, SET_UP), 'utf8'), lock, agent)
}

/** Generated paths that are absent or differ in the tree, and those of the tree that nothing generates any more. */
async function staleOf(generated: Files): Promise<string[]> {
  const dist = existsSync(join(root, 'dist'))
    ? await readdir(join(root, 'dist'), { recursive: true, withFileTypes: true })
    : []
  const inDist = dist
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
  const left = [...inDist, ...(await findAliases(root))].filter((path) => !generated.has(path))
  const differing: string[] = []
  for (const [path, text] of generated) {
    const present = existsSync(join(root, path)) ? await readFile(join(root, path), 'utf8') : null
    if (present !== text) differing.push(path)
  }
  return [...differing, ...left].toSorted()
}

async function write(generated: Files, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    const text = generated.get(path)
    if (text === undefined) {
      await rm(join(root, path))
    } else {
      await mkdir(dirname(join(root, path)), { recursive: true })
      await writeFile(join(root, path), text)
    }
  }
}
