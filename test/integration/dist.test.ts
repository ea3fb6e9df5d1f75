// What the sources give does not depend on the Node that builds them, nor on where they lie; and what a user runs on Node 20 runs there.
import { appendFile, cp, link, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findAliases } from '../../scripts/action-files.ts'
import { inheritedEnvironment } from '../../scripts/environment.ts'
import { run, tryRun } from '../../src/lib/index.ts'
import { fetchPackage, NODE_20 } from '../lab/index.ts'

const root = join(import.meta.dirname, '../..')
const env = inheritedEnvironment()
const SOURCES = ['src', 'scripts', 'actions', 'package.json', 'tsconfig.json', 'tsconfig.build.json', 'LICENSE']
const GENERATED = [
  ...['dist', 'tools.lock.json', 'deployment/production/scripts/setup-production.sh'],
  ...['deployment/production/monitoring/health-check.js', 'deployment/production/migrations/migration.d.ts'],
]

describe('Node 20', () => {
  let directory: string
  let node20: string
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'pacs-deploy-node20-'))
    await fetchPackage(NODE_20, join(directory, 'node.tgz'))
    await run('tar', ['-C', directory, '-xzf', join(directory, 'node.tgz'), 'package/bin/node'], { env })
    node20 = join(directory, 'package/bin/node')
  })
  afterAll(() => rm(directory, { recursive: true, force: true }))

  it('gives the same bytes at another path, but for three files that were changed by hand there', async () => {
    const copy = join(directory, 'at', 'another', 'depth')
    for (const path of [...SOURCES, ...GENERATED, ...(await findAliases(root))]) {
      await cp(join(root, path), join(copy, path), { recursive: true })
    }
    await linkTree(join(root, 'node_modules'), join(copy, 'node_modules'))
    const changed = ['dist/agent/index.js', 'dist/left-over.js', 'push/action.yml']
    for (const path of changed) await appendFile(join(copy, path), '\n')
    const args = [join(copy, 'scripts', 'build.ts'), '--check', '--no-types', '--node', node20]
    const { code, stderr } = await tryRun(process.execPath, args, { cwd: copy, env })
    expect(await run(node20, ['--version'], { env })).toMatch(/^v20\./)
    expect({ code, said: stderr.split('\n')[0] }).toEqual({ code: 1, said: `build: stale: ${changed.join(', ')}` })
  })

  it('lints the shipped migrations by the command of a checkout', async () => {
    const args = [join(root, 'dist/cli/index.js'), 'migrations', 'lint']
    expect(await tryRun(node20, args, { cwd: root, env })).toMatchObject({ code: 0, stdout: '0 findings' })
  })
})

/** The tree `from` at `to` by hard links, by copies where the file systems differ. */
async function linkTree(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true })
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (entry.isDirectory()) await linkTree(source, target)
    else if (entry.isSymbolicLink()) await cp(source, target, { verbatimSymlinks: true })
    else await link(source, target).catch(() => cp(source, target))
  }
}
