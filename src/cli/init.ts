import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { badInput, exitClass, Failure, tryRun } from '../lib/index.ts'
import { listStackFiles } from '../release/index.ts'
import { readArguments } from './arguments.ts'
import type { Console } from './console.ts'

const STACK = 'deployment/production'
const APP = 'deployment/reference-app'
const ENVIRONMENTS = 'deployment/environments.yml'
const EXAMPLES = 'workflows-examples'
const WORKFLOWS = '.github/workflows'

/** What a repository needs and npm leaves out of every package. */
const NPMRC = 'omit-lockfile-registry-resolved=true\nsave-exact=true\nfund=false\naudit=false\n'
const LEFT_OUT_BY_NPM: Readonly<Record<string, string>> = {
  [`${STACK}/.gitignore`]: '.env\nsecrets/\ncerts/\n',
  [`${STACK}/monitoring/textfile/.gitignore`]:
    '# Figures for the node exporter of a stack without an agent: files *.prom, each replaced by a rename.\n*.prom\n',
  [`${APP}/client/.gitignore`]: 'dist/\n',
  [`${APP}/client/.npmrc`]: NPMRC,
  [`${APP}/server/.npmrc`]: NPMRC,
}

/** A file that belongs into a repository. */
interface Copied {
  /** Its path in the package. */
  from: string
  to: string
  /** Its content where the package cannot bring it. */
  text?: string
}

/**
 * `init`: copies the stack, the workflows and an environments file into the repository, and never over what differs; with
 * `--diff` says what differs and copies nothing.
 */
export async function initCommand(args: readonly string[], { print, root, env }: Console): Promise<number> {
  const { values } = readArguments('init', args, {
    directory: { type: 'string', default: '.' },
    diff: { type: 'boolean', default: false },
    'reference-app': { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  })
  const target = values.directory
  if (!(await isDirectory(join(target, '.git')))) {
    throw badInput(`init: ${target} is no top of a git repository: go there, or name it with --directory`)
  }
  const files = await filesToCopy(root, values['reference-app'] || (await isDirectory(join(target, APP))))
  const compared = await Promise.all(files.map((file) => compare(root, target, file)))
  const missing = compared.filter(({ present }) => present === null)
  const differing = compared.filter(({ present, shipped }) => present !== null && present !== shipped)
  if (!values.diff) for (const { from, to, shipped } of missing) await copy(join(root, from), join(target, to), shipped)
  if (values.json) {
    const [copied, left] = [missing.map(({ to }) => to), differing.map(({ to }) => to)]
    print(JSON.stringify(values.diff ? { missing: copied, differing: left } : { copied, differing: left }))
  } else {
    for (const { to } of missing) print(`${values.diff ? 'missing' : 'copied '}  ${to}`)
    for (const { to, shipped } of differing) {
      print(`differs  ${to}`)
      if (values.diff) for (const line of await diffOf(join(target, to), shipped, env.PATH)) print(`  ${line}`)
    }
    print(summary(values.diff, missing.length, differing.length, files.length))
  }
  return values.diff && missing.length + differing.length > 0 ? exitClass.refused : exitClass.ok
}

/** Everything that the package brings for a repository. The environments file is a form to fill in: it is never compared. */
export async function filesToCopy(root: string, withApp: boolean): Promise<Copied[]> {
  const examples = (await readdir(join(root, EXAMPLES))).filter((name) => name.endsWith('.yml'))
  const trees = withApp ? [STACK, APP] : [STACK]
  const inTrees = await Promise.all(
    trees.map(async (tree) => (await listStackFiles(join(root, tree))).map(({ path }) => `${tree}/${path}`)),
  )
  return [
    ...inTrees
      .flat()
      .filter((path) => !(path in LEFT_OUT_BY_NPM))
      .map((path) => ({ from: path, to: path })),
    ...Object.entries(LEFT_OUT_BY_NPM)
      .filter(([path]) => trees.some((tree) => path.startsWith(`${tree}/`)))
      .map(([path, text]) => ({ from: path, to: path, text })),
    ...examples.map((name) => ({ from: `${EXAMPLES}/${name}`, to: `${WORKFLOWS}/${name}` })),
    { from: ENVIRONMENTS, to: ENVIRONMENTS },
  ]
}

async function compare(root: string, target: string, file: Copied) {
  const shipped = await shippedText(root, file)
  const found = await readFile(join(target, file.to), 'utf8').catch(() => null)
  return { ...file, shipped, present: found !== null && file.to === ENVIRONMENTS ? shipped : found }
}

/** How the shipped content comes out of a file that differs, as git shows it, from the first place on. */
async function diffOf(file: string, shipped: string, path = ''): Promise<string[]> {
  const how = ['--no-index', '--no-color', '--no-ext-diff', '--no-textconv', '--unified=2']
  const { code, stdout, stderr } = await tryRun('git', ['diff', ...how, '--', file, '-'], {
    env: { PATH: path },
    input: shipped,
  })
  if (code > 1) throw new Failure('error', `git diff of ${file} ended with ${code}: ${stderr}`)
  const lines = stdout.split('\n')
  return lines.slice(lines.findIndex((line) => line.startsWith('@@')))
}

/** The content that the package has for a file. */
export async function shippedText(root: string, { from, text }: Copied): Promise<string> {
  return text ?? (await readFile(join(root, from), 'utf8'))
}

async function copy(from: string, to: string, content: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true })
  // Never over a file that came in between.
  await writeFile(to, content, { flag: 'wx' })
  // Whether it can be run: the rest of a mode is the person's own.
  if ((((await stat(from).catch(() => null))?.mode ?? 0) & 0o111) !== 0) await chmod(to, 0o755)
}

function summary(isDiff: boolean, missing: number, differing: number, all: number): string {
  if (isDiff) return `${missing} missing, ${differing} differ, of ${all} files`
  const left = differing === 0 ? '' : `; ${differing} differ and were left as they are (init --diff shows how)`
  const next = missing === 0 ? '' : `\nnext: ${ENVIRONMENTS}, then pacs-deploy doctor`
  return `${missing} of ${all} files copied${left}${next}`
}

async function isDirectory(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isDirectory() ?? false
}
