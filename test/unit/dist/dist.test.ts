// The committed dist/ is what these sources give; that it is on Node 20 and at another path too is in test/integration/dist.test.ts.
import { existsSync } from 'node:fs'
import { cp, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type Action, findActions, findAliases, missingFiles, parseActionFile } from '../../../scripts/action-files.ts'
import { inheritedEnvironment } from '../../../scripts/environment.ts'
import { run, tryRun } from '../../../src/lib/index.ts'

const root = join(import.meta.dirname, '../../..')
const env = inheritedEnvironment()
const BUILD_LIMIT = 180_000

/** Types are the lint's: what the compiler writes does not depend on them. */
async function check(): Promise<string> {
  const args = [join(root, 'scripts', 'build.ts'), '--check', '--no-types']
  const { stdout, stderr } = await tryRun(process.execPath, args, { cwd: root, env })
  return `${stdout}${stderr}`
}

describe('dist', () => {
  it('is what the sources give', { timeout: BUILD_LIMIT }, async () => {
    expect(await check()).toMatch(/^build: \d+ files, all up to date/)
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
