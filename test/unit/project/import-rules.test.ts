import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { checkImports } from '../../../scripts/import-rules.ts'

const root = join(import.meta.dirname, '../../..')
const config = join(root, '.dependency-cruiser.js')

let project: string
beforeEach(async () => {
  project = await mkdtemp(join(tmpdir(), 'pacs-deploy-imports-'))
  await symlink(join(root, 'node_modules'), join(project, 'node_modules'))
  await lay({
    'package.json': '{ "type": "module", "dependencies": { "@actions/github": "*", "zod": "*" } }',
    'tsconfig.json':
      '{ "compilerOptions": { "module": "nodenext", "allowImportingTsExtensions": true, "noEmit": true } }',
    'src/lib/index.ts': 'export const lib = 1\n',
    'src/release/index.ts': "import { lib } from '../lib/index.ts'\nexport const release = lib\n",
    'src/ssh/index.ts': "import { release } from '../release/index.ts'\nexport const ssh = release\n",
    'src/ssh/inside.ts': 'export const inside = 1\n',
    'src/agent/client.ts': 'export const client = 1\n',
    'src/agent/daemon.ts': 'export const daemon = 1\n',
    'src/runner/index.ts': "import { getOctokit } from '@actions/github'\nexport const info = getOctokit\n",
    'src/actions/deploy.ts':
      "import { client } from '../agent/client.ts'\nimport { info } from '../runner/index.ts'\nimport { ssh } from '../ssh/index.ts'\ninfo(String(client + ssh))\n",
  })
})
afterEach(() => rm(project, { recursive: true }))

async function lay(files: Record<string, string>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(project, path)), { recursive: true })
    await writeFile(join(project, path), text)
  }
}

describe('the import rules', () => {
  it('pass the folders as they are meant', async () => {
    const { modules, findings } = await checkImports(project, config)
    expect(findings).toEqual([])
    expect(modules).toBeGreaterThanOrEqual(8)
  })

  it('turn red at each planted violation', async () => {
    const planted = [
      ['lib-knows-nothing', 'src/lib/planted.ts', '../release/index.ts'],
      ['release-and-stack-below', 'src/release/planted.ts', '../ssh/index.ts'],
      ['capabilities-below', 'src/ssh/above.ts', '../runner/index.ts'],
      ['agent-is-no-job', 'src/agent/planted.ts', '../runner/index.ts'],
      ['runner-below-actions', 'src/runner/planted.ts', '../ssh/index.ts'],
      ['by-the-door', 'src/actions/inside.ts', '../ssh/inside.ts'],
      ['by-the-door', 'src/actions/daemon.ts', '../agent/daemon.ts'],
      ['scripts-by-the-door', 'scripts/planted.ts', '../src/ssh/inside.ts'],
      ['src-stands-alone', 'src/ssh/aside.ts', '../../scripts/tool.ts'],
      ['job-in-runner-only', 'src/ssh/job.ts', '@actions/github'],
      ['cli-is-offline', 'src/cli/planted.ts', '../agent/client.ts'],
      ['doctor-asks-as-a-client', 'src/cli/doctor/planted.ts', '../../agent/daemon.ts'],
      ['cli-loads-ssh-late', 'src/cli/late.ts', '../ssh/index.ts'],
      ['src-ships-dependencies', 'src/ssh/tool.ts', 'vitest'],
      ['resolvable', 'src/ssh/lost.ts', './nowhere.ts'],
    ] as const
    await lay({ 'scripts/tool.ts': 'export {}\n' })
    for (const [, path, target] of planted) await lay({ [path]: `import '${target}'\n` })
    const { findings } = await checkImports(project, config)
    const rules = [...(await readFile(config, 'utf8')).matchAll(/forbid\(\s*'([\w-]+)'/g)].map(([, name]) => name)
    // A cycle is planted below.
    expect([...new Set(planted.map(([rule]) => rule)), 'no-cycle'].toSorted()).toEqual(rules.toSorted())
    for (const [rule, path] of planted) {
      expect(findings).toContainEqual(expect.stringMatching(new RegExp(`^${path} imports .*: ${rule}$`)))
    }
  })

  it('see an import of types alone', async () => {
    await lay({
      'src/lib/planted.ts': "import type { release } from '../release/index.ts'\nexport type R = typeof release\n",
    })
    const { findings } = await checkImports(project, config)
    expect(findings).toContainEqual(expect.stringContaining('lib-knows-nothing'))
  })

  it('turn red at a cycle', async () => {
    await lay({ 'src/ssh/a.ts': "import './b.ts'\n", 'src/ssh/b.ts': "import './a.ts'\n" })
    const { findings } = await checkImports(project, config)
    expect(findings).toContainEqual('src/ssh/a.ts imports src/ssh/b.ts: no-cycle')
  })

  it('turn red when no module is seen, as under a compiler that dependency-cruiser cannot use', async () => {
    for (const folder of ['src', 'scripts']) await rm(join(project, folder), { recursive: true, force: true })
    await lay({ 'src/notes.md': 'no module\n', 'elsewhere.ts': 'export {}\n' })
    const { modules, findings } = await checkImports(project, config)
    expect(modules).toBe(0)
    expect(findings).toEqual([expect.stringContaining('saw no import at all')])
  })
})
