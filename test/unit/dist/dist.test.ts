// The committed dist/ is what these sources give, on this Node and on Node 20, here and at another path.
import { existsSync } from 'node:fs'
import { appendFile, cp, link, mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type Action, findActions, findAliases, missingFiles, parseActionFile } from '../../../scripts/action-files.ts'
import { inheritedEnvironment } from '../../../scripts/environment.ts'
import { run, tryRun } from '../../../src/lib/index.ts'

const root = join(import.meta.dirname, '../../..')
const env = inheritedEnvironment()
const BUILD_LIMIT = 180_000
const SET_UP = 'deployment/production/scripts/setup-production.sh'
const HEALTH_CHECK = 'deployment/production/monitoring/health-check.js'

/** The Node 20 of this machine, if it has one. */
const node20 = await findNode20()

async function findNode20(): Promise<string | null> {
  for (const directory of (process.env.PATH ?? '').split(':')) {
    const candidate = join(directory, 'node')
    if (!existsSync(candidate)) continue
    const { stdout } = await tryRun(candidate, ['--version'], { env })
    if (stdout.startsWith('v20.')) return candidate
  }
  return null
}

/** Types are the lint's: what the compiler writes does not depend on them. */
async function check(directory: string, node: string): Promise<string> {
  const { stdout, stderr } = await tryRun(
    process.execPath,
    [join(directory, 'scripts', 'build.ts'), '--check', '--no-types', '--node', node],
    { cwd: directory, env },
  )
  return `${stdout}${stderr}`
}

describe('dist', () => {
  it('is what the sources give', { timeout: BUILD_LIMIT }, async () => {
    expect(await check(root, process.execPath)).toMatch(/^build: \d+ files, all up to date/)
  })

  it('lints the shipped migrations on Node 20, which the command of a checkout may meet', async (ctx) => {
    if (node20 === null) return ctx.skip('no Node 20 on the PATH of this machine')
    const args = [join(root, 'dist/cli/index.js'), 'migrations', 'lint']
    expect(await tryRun(node20, args, { cwd: root, env })).toMatchObject({ code: 0, stdout: '0 findings' })
  })

  describe('checked in a copy at another path, where three files were changed by hand', () => {
    const changed = ['build: stale: dist/agent/index.js', 'dist/left-over.js', 'push/action.yml\n'].join(', ')
    let copy: string
    let said: string
    beforeAll(async () => {
      copy = join(await mkdtemp(join(tmpdir(), 'pacs-deploy-copy-')), 'at', 'another', 'depth')
      const sources = ['src', 'scripts', 'actions', 'package.json', 'tsconfig.json', 'tsconfig.build.json', 'LICENSE']
      for (const path of [...sources, 'dist', 'tools.lock.json', SET_UP, HEALTH_CHECK, ...(await findAliases(root))]) {
        await cp(join(root, path), join(copy, path), { recursive: true })
      }
      await linkTree(join(root, 'node_modules'), join(copy, 'node_modules'))
      for (const path of ['dist/agent/index.js', 'dist/left-over.js', 'push/action.yml']) {
        await appendFile(join(copy, path), '\n')
      }
      said = await check(copy, node20 ?? process.execPath)
    }, 2 * BUILD_LIMIT)
    afterAll(() => rm(join(copy, '../../..'), { recursive: true, force: true }))

    it('is the same but for these', () => {
      expect(said).toContain(changed)
    })

    it('is the same on Node 20', (ctx) => {
      if (node20 === null) ctx.skip('no Node 20 on the PATH of this machine')
      expect(said).toContain(changed)
    })
  })

  it('holds lines that end the same on every machine', async () => {
    const entries = await readdir(join(root, 'dist'), { recursive: true, withFileTypes: true })
    for (const entry of entries.filter((found) => found.isFile())) {
      const path = join(entry.parentPath, entry.name)
      expect((await readFile(path)).includes('\r\n'), path).toBe(false)
    }
  })

  it('leaves the archive that every job downloads below 2.5 MB', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'pacs-deploy-archive-'))
    try {
      const archive = join(directory, 'head.tar.gz')
      await run('git', ['-C', root, 'archive', '--format=tar.gz', '-o', archive, 'HEAD'], { env })
      expect((await stat(archive)).size).toBeLessThan(2_500_000)
    } finally {
      await rm(directory, { recursive: true })
    }
  })
})

describe('the agent', () => {
  it('starts from its one file alone, and is of the version of package.json', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'pacs-deploy-agent-'))
    try {
      await cp(join(root, 'dist/agent/index.js'), join(directory, 'index.js'))
      const { version } = z
        .object({ version: z.string() })
        .parse(JSON.parse(await readFile(join(root, 'package.json'), 'utf8')))
      expect(await run(process.execPath, [join(directory, 'index.js'), 'version'], { env: {} })).toBe(version)
    } finally {
      await rm(directory, { recursive: true })
    }
  })
})

describe('every stub', () => {
  it('starts its action, which says in one line what it lacks', async () => {
    for (const { name } of await findActions(root)) {
      const directory = await mkdtemp(join(tmpdir(), 'pacs-deploy-stub-'))
      try {
        const stub = join(root, 'actions', name, '../../dist', name, 'index.js')
        const { code, stdout } = await tryRun(process.execPath, [stub], {
          cwd: directory,
          env: { RUNNER_TEMP: directory },
        })
        expect(code, name).toBe(1)
        expect(stdout.match(/^::error::input .*/gm), name).toHaveLength(1)
      } finally {
        await rm(directory, { recursive: true })
      }
    }
  })
})

describe('every action.yml', () => {
  it('names files that exist', async () => {
    const actions = (await findActions(root)).map((action) => `actions/${action.name}/action.yml`)
    const paths = [
      ...actions,
      ...(await findAliases(root)),
      ...(existsSync(join(root, 'action.yml')) ? ['action.yml'] : []),
    ]
    for (const path of paths) {
      const file = parseActionFile(path, await readFile(join(root, path), 'utf8'))
      expect(
        missingFiles(path, file, (named) => existsSync(join(root, named))),
        path,
      ).toEqual([])
    }
  })

  it('has an entry with the steps that it names', async () => {
    for (const action of await findActions(root)) {
      const entry: Record<string, unknown> = await import(join(root, 'src', 'actions', `${action.name}.ts`))
      expect(typeof entry.main, action.name).toBe('function')
      expect(typeof entry.post, action.name).toBe(action.hasPost ? 'function' : 'undefined')
    }
  })

  it('has an alias', async () => {
    const expected = (await findActions(root)).map((action: Action) => `${action.name}/action.yml`)
    expect(await findAliases(root)).toEqual(expected)
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
