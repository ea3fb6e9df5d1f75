// scripts/test.ts over small suites of its own, in a copy of what it needs.
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { inheritedEnvironment } from '../../../scripts/environment.ts'
import { tryRun } from '../../../src/lib/index.ts'

const root = join(import.meta.dirname, '../../..')
const PASSING = "import { expect, it } from 'vitest'\nit('passes', () => expect(1).toBe(1))\n"

let project: string
beforeEach(async () => {
  project = await mkdtemp(join(tmpdir(), 'pacs-deploy-suites-'))
  await symlink(join(root, 'node_modules'), join(project, 'node_modules'))
  for (const path of ['package.json', 'vitest.config.ts', 'scripts', 'src/lib']) {
    await cp(join(root, path), join(project, path), { recursive: true })
  }
})
afterEach(() => rm(project, { recursive: true, force: true }))

async function npmTest(suites: Record<string, string>, ...args: string[]) {
  for (const [path, text] of Object.entries(suites)) {
    await mkdir(join(project, 'test', path, '..'), { recursive: true })
    await writeFile(join(project, 'test', path), text)
  }
  const { NO_COLOR: _noColor, ...env } = inheritedEnvironment()
  const script = join(project, 'scripts', 'test.ts')
  const { code, stdout } = await tryRun(process.execPath, [script, ...args], {
    cwd: project,
    env: { ...env, CI: 'true' },
  })
  return { code, stdout, last: stdout.split('\n').at(-1) }
}

describe('npm test', { timeout: 60_000 }, () => {
  it('adds up all suites in its last line and gives the reason of what was skipped', async () => {
    const skipping = "import { it } from 'vitest'\nit('needs a database', (ctx) => ctx.skip('no MongoDB here'))\n"
    const result = await npmTest({
      'unit/a.test.ts': PASSING,
      'integration/b.test.ts': PASSING + skipping.split('\n')[1],
    })
    expect(result).toMatchObject({ code: 0, last: '2 passed, 0 failed, 1 skipped' })
    expect(result.stdout).toContain('skipped: test/integration/b.test.ts: needs a database: no MongoDB here')
  })

  it('runs one suite when it is asked for one', async () => {
    const result = await npmTest(
      { 'unit/a.test.ts': PASSING, 'integration/b.test.ts': "throw new Error('broken')\n" },
      'unit',
    )
    expect(result).toMatchObject({ code: 0, last: '1 passed, 0 failed, 0 skipped' })
  })

  it('fails when no test ran', async () => {
    expect(await npmTest({})).toMatchObject({ code: 1, last: '0 passed, 0 failed, 0 skipped' })
  })

  it('fails for a hook that throws, though its tests count as skipped', async () => {
    const hook = `import { beforeAll } from 'vitest'\nbeforeAll(() => { throw new Error('no port') })\n${PASSING}`
    expect(await npmTest({ 'unit/a.test.ts': PASSING, 'unit/b.test.ts': hook })).toMatchObject({
      code: 1,
      last: '1 passed, 1 failed, 1 skipped',
    })
  })

  it('fails for a rejection that nobody handles, though every test passed', async () => {
    const loose = `${PASSING}it('leaves a rejection', async () => { Promise.reject(new Error('loose')); await new Promise(setImmediate) })\n`
    expect(await npmTest({ 'unit/a.test.ts': loose })).toMatchObject({ code: 1, last: '2 passed, 1 failed, 0 skipped' })
  })

  it('tries a file once more whose lab could not start, and only that', async () => {
    const lab = `import { existsSync, writeFileSync } from 'node:fs'
import { beforeAll } from 'vitest'
class LabError extends Error { name = 'LabError' }
beforeAll(() => {
  if (existsSync('tried')) return
  writeFileSync('tried', '')
  throw new LabError('no engine answers')
})
${PASSING}`
    const result = await npmTest({ 'integration/lab.test.ts': lab, 'integration/other.test.ts': PASSING })
    expect(result).toMatchObject({ code: 0, last: '2 passed, 0 failed, 0 skipped' })
    expect(result.stdout).toContain('the lab could not start for test/integration/lab.test.ts: trying once more')
  })
})
