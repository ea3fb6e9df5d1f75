import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, normalize } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import { badInput, Problems } from '../src/lib/index.ts'

const inputSchema = z.strictObject({
  description: z.string().min(1),
  required: z.boolean().default(false),
  default: z.union([z.string(), z.number(), z.boolean()]).optional(),
})
const outputSchema = z.strictObject({ description: z.string().min(1), value: z.string().optional() })

/** An action.yml as GitHub reads it, of the kinds that this repository has. */
const actionFileSchema = z.strictObject({
  name: z.string().min(1),
  description: z.string().min(1),
  author: z.string().optional(),
  branding: z.strictObject({ icon: z.string(), color: z.string() }).optional(),
  inputs: z.record(z.string().regex(/^[a-z][a-z0-9-]*$/), inputSchema).default({}),
  outputs: z.record(z.string().regex(/^[a-z][a-z0-9-]*$/), outputSchema).default({}),
  runs: z.discriminatedUnion('using', [
    z.strictObject({
      using: z.literal('node24'),
      main: z.string(),
      post: z.string().optional(),
      'post-if': z.string().optional(),
    }),
    z.strictObject({ using: z.literal('composite'), steps: z.array(z.record(z.string(), z.unknown())).min(1) }),
  ]),
})
export type ActionFile = z.infer<typeof actionFileSchema>

/** A JavaScript action of the suite: `actions/<name>/action.yml`, run by `src/actions/<name>.ts`. */
export interface Action {
  name: string
  /** The text of its action.yml. */
  text: string
  file: ActionFile
  hasPost: boolean
}

/**
 * Reads one action.yml.
 * @throws Failure `bad-input` that names `path` and the field.
 */
export function parseActionFile(path: string, text: string): ActionFile {
  const parsed = actionFileSchema.safeParse(parse(text))
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'file'}: ${issue.message}`)
  throw badInput(`${path}: ${problems.join('; ')}`)
}

/**
 * The suite, found from actions/<name>/action.yml, by name.
 * @throws Failure `bad-input` when there is none, or with everything that does not fit: paths, a missing entry or README.
 */
export async function findActions(root: string): Promise<Action[]> {
  const folders = existsSync(join(root, 'actions')) ? await readdir(join(root, 'actions'), { withFileTypes: true }) : []
  const names = folders.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
  if (names.length === 0) throw badInput('there is no action: actions/<name>/action.yml was found for no name')
  const problems = new Problems()
  const actions: Action[] = []
  for (const name of names.toSorted()) {
    const path = `actions/${name}/action.yml`
    const required = [path, `actions/${name}/README.md`, `src/actions/${name}.ts`]
    const missing = required.filter((needed) => !existsSync(join(root, needed)))
    for (const needed of missing) problems.add(`the action ${name} has no ${needed}`)
    if (missing.length > 0) continue
    const text = await readFile(join(root, path), 'utf8')
    const file = parseActionFile(path, text)
    if (file.runs.using !== 'node24') {
      problems.add(`${path}: runs.using is ${file.runs.using}; the suite's actions are node24`)
      continue
    }
    const { main, post } = file.runs
    if (main !== `../../dist/${name}/index.js`) problems.add(`${path}: runs.main is not ../../dist/${name}/index.js`)
    if (post !== undefined && post !== `../../dist/${name}/post.js`) {
      problems.add(`${path}: runs.post is not ../../dist/${name}/post.js`)
    }
    actions.push({ name, text, file, hasPost: post !== undefined })
  }
  problems.throwIfAny()
  return actions
}

/** The files that an action.yml at `path` names and that `exists` does not know, relative to the repository. */
export function missingFiles(path: string, file: ActionFile, exists: (path: string) => boolean): string[] {
  if (file.runs.using === 'composite') return []
  const named = [file.runs.main, file.runs.post].filter((name) => name !== undefined)
  return named.map((name) => normalize(join(dirname(path), name))).filter((name) => !exists(name))
}

const ALIAS_HEADER = '# Generated from'

/** `<name>/action.yml`, so that `uses: org/pacs-deploy/<name>@v1` resolves: the same action, one folder higher. */
export function aliasOf(action: Action): string {
  const body = action.text.replaceAll('../../dist/', '../dist/')
  return `${ALIAS_HEADER} actions/${action.name}/action.yml by npm run build: change that one.\n${body}`
}

/** Top folders whose action.yml is such an alias. */
export async function findAliases(root: string): Promise<string[]> {
  const folders = (await readdir(root, { withFileTypes: true })).filter((entry) => entry.isDirectory())
  const paths = folders.map((folder) => `${folder.name}/action.yml`).filter((path) => existsSync(join(root, path)))
  const texts = await Promise.all(paths.map((path) => readFile(join(root, path), 'utf8')))
  return paths.filter((_path, index) => texts[index]?.startsWith(ALIAS_HEADER))
}
