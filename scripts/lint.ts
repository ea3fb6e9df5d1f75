// npm run lint: everything that reads the sources without running them; one line per tool.
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { formatDuration, messageOf, tryRun } from '../src/lib/index.ts'
import { inheritedEnvironment } from './environment.ts'
import { checkImports } from './import-rules.ts'
import { installLintTools } from './lint-tools.ts'
import { layWorkflows } from './workflow-copy.ts'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** What one tool found; `output` is shown when it is not ok. */
interface Verdict {
  ok: boolean
  seen: string
  output: string
}

const tracked = (await command('git', ['ls-files', '--cached', '--others', '--exclude-standard'])).output
  .split('\n')
  .filter((path) => existsSync(join(root, path)))
const workflows = {
  own: tracked.filter((path) => /^\.github\/workflows\/[^/]+\.ya?ml$/.test(path)),
  examples: tracked.filter((path) => /^workflows-examples\/[^/]+\.ya?ml$/.test(path)),
}
const actions = tracked.filter((path) => /^([\w-]+\/|actions\/[\w-]+\/)?action\.yml$/.test(path))
const dockerfiles = tracked.filter((path) => /^deployment\/.*Dockerfile[^/]*(?<!\.dockerignore)$/.test(path))
const tools = installLintTools(root)
tools.catch(() => undefined)

const checks: Record<string, () => Promise<Verdict>> = {
  tsc: () => node('typescript/bin/tsc', '-p', 'tsconfig.json'),
  biome: () => node('@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.'),
  imports: async () => {
    const { modules, findings } = await checkImports(root, '.dependency-cruiser.js')
    return { ok: findings.length === 0, seen: `${modules} modules`, output: findings.join('\n') }
  },
  zizmor: () => {
    const files = [...workflows.own, ...workflows.examples, ...actions, '.github/dependabot.yml']
    return lintFiles('zizmor', ['--pedantic', '--offline', '--no-progress', '--quiet', '--config=zizmor.yml'], files)
  },
  actionlint,
  hadolint: () => lintFiles('hadolint', [], dockerfiles),
}

let red = 0
for (const [name, check] of Object.entries(checks)) {
  const started = Date.now()
  const verdict = await check().catch((error: unknown) => ({ ok: false, seen: '', output: messageOf(error) }))
  if (!verdict.ok) {
    red++
    console.log(verdict.output)
  }
  const took = formatDuration(Date.now() - started)
  console.log([name.padEnd(10), verdict.ok ? 'ok    ' : 'FAILED', took.padStart(8), verdict.seen].join('  ').trimEnd())
}
console.log(red === 0 ? 'lint: all clean' : `lint: ${red} of ${Object.keys(checks).length} failed`)
process.exitCode = red === 0 ? 0 : 1

/** Own workflows where they are; the examples as a user's repository has them. */
async function actionlint(): Promise<Verdict> {
  const own = await lintFiles('actionlint', ['-no-color'], workflows.own)
  if (workflows.examples.length === 0) return own
  const directory = await mkdtemp(join(tmpdir(), 'pacs-deploy-lint-'))
  try {
    await layWorkflows(root, directory, { workflows: workflows.examples, actions })
    const examples = await pythonTool('actionlint', ['-no-color'], directory)
    const output = [own.output, examples.output].filter((text) => text !== '').join('\n')
    const count = workflows.own.length + workflows.examples.length
    return { ok: own.ok && examples.ok, seen: `${count} files`, output }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

async function lintFiles(name: string, options: readonly string[], files: readonly string[]): Promise<Verdict> {
  if (files.length === 0) return { ok: false, seen: 'no files', output: `${name} found no file to read` }
  return { ...(await pythonTool(name, [...options, ...files], root)), seen: `${files.length} files` }
}

async function pythonTool(name: string, args: readonly string[], cwd: string): Promise<Verdict> {
  const directory = await tools
  return command(join(directory, 'bin', name), args, cwd, { PYTHONPATH: directory })
}

function node(program: string, ...args: readonly string[]): Promise<Verdict> {
  return command(process.execPath, [join(root, 'node_modules', program), ...args])
}

async function command(
  file: string,
  args: readonly string[],
  cwd = root,
  env: Readonly<Record<string, string>> = {},
): Promise<Verdict> {
  const { code, stdout, stderr } = await tryRun(file, args, { cwd, env: { ...inheritedEnvironment(), ...env } })
  return { ok: code === 0, seen: '', output: [stdout, stderr].filter((text) => text !== '').join('\n') }
}
