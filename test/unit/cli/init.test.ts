import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { filesToCopy } from '../../../src/cli/init.ts'
import { runCommand } from '../../../src/cli/main.ts'
import { exitClass } from '../../../src/lib/index.ts'

const root = join(import.meta.dirname, '../../..')
const NGINX = 'deployment/production/nginx.conf'
let repository: string
let printed: string[]

beforeEach(async () => {
  repository = await mkdtemp(join(tmpdir(), 'pacs-init-'))
  execFileSync('git', ['init', '-q', repository])
})
afterEach(() => rm(repository, { recursive: true }))

function command(...args: string[]): Promise<number> {
  printed = []
  const console = {
    print: (line: string) => void printed.push(line),
    aside: () => undefined,
    root,
    env: { PATH: process.env.PATH },
  }
  return runCommand([...args, '--directory', repository], console)
}

describe('init', () => {
  it('lays stack, workflows and environments file, which the stack check and the doctor then read', async () => {
    expect(await command('init')).toBe(exitClass.ok)
    expect(printed).toContain('copied   .github/workflows/release.yml')
    expect(printed).toContain('copied   deployment/environments.yml')
    expect(printed.join()).not.toContain('reference-app')
    expect(await readFile(join(repository, NGINX), 'utf8')).toBe(await readFile(join(root, NGINX), 'utf8'))
    const script = 'deployment/production/scripts/setup-production.sh'
    expect((await stat(join(repository, script))).mode & 0o111).not.toBe(0)
    expect(await command('doctor', '--offline', '--json')).toBe(exitClass.refused)
    const { remarks } = JSON.parse(printed[0] ?? '')
    const missing = remarks.filter((remark: { state: string }) => remark.state === 'missing')
    // A new repository lacks servers and the suite's own place, not files.
    expect(missing.map(({ what }: { what: string }) => what)).toEqual([
      expect.stringMatching(/^\.github\/workflows: org\/pacs-deploy is still the example in deploy-environment\.yml, /),
      'deployment/environments.yml: staging is still the example',
      'deployment/environments.yml: production is still the example',
    ])
  })

  it('never touches what differs or was filled in, copies what is missing, and shows the difference', async () => {
    await command('init', '--reference-app')
    await writeFile(join(repository, 'deployment/environments.yml'), 'ours: {}\n')
    await writeFile(join(repository, NGINX), `# ours\n${await readFile(join(repository, NGINX), 'utf8')}`)
    await rm(join(repository, 'deployment/production/scripts/deploy.sh'))
    expect(await command('init', '--diff')).toBe(exitClass.refused)
    expect(printed).toEqual(
      expect.arrayContaining([
        'missing  deployment/production/scripts/deploy.sh',
        `differs  ${NGINX}`,
        '  @@ -1,3 +1,2 @@',
        '  -# ours',
      ]),
    )
    expect(await command('init')).toBe(exitClass.ok)
    expect(printed.slice(0, 2)).toEqual(['copied   deployment/production/scripts/deploy.sh', `differs  ${NGINX}`])
    expect(await readFile(join(repository, NGINX), 'utf8')).toMatch(/^# ours\n/)
    expect(await readFile(join(repository, 'deployment/environments.yml'), 'utf8')).toBe('ours: {}\n')
  })

  it('refuses a folder that is no repository', async () => {
    await rm(join(repository, '.git'), { recursive: true })
    await expect(command('init')).rejects.toThrow(/is no top of a git repository/)
  })
})

it('init lays what npm leaves out of a package as it is here', async () => {
  await command('init', '--reference-app')
  const tracked = execFileSync('git', ['ls-files', 'deployment'], { cwd: root, encoding: 'utf8' }).trim().split('\n')
  const leftOut = tracked.filter((one) => /\/\.(gitignore|npmrc)$/.test(one))
  const own = (await filesToCopy(root, true)).filter(({ text }) => text !== undefined)
  expect(own.map(({ to }) => to).toSorted()).toEqual(leftOut.toSorted())
  for (const path of leftOut) {
    expect(await readFile(join(repository, path), 'utf8'), path).toBe(await readFile(join(root, path), 'utf8'))
  }
})

describe('the package', () => {
  it('brings what init copies and what setup needs, and no tests', () => {
    const packed = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
      cwd: root,
      encoding: 'utf8',
    })
    const leftOut = /\/\.(gitignore|npmrc)$/
    const paths = new Set<string>(JSON.parse(packed)[0].files.map(({ path }: { path: string }) => path))
    const tracked = execFileSync('git', ['ls-files', 'deployment', 'workflows-examples'], {
      cwd: root,
      encoding: 'utf8',
    })
    expect(
      tracked
        .trim()
        .split('\n')
        .filter((path) => !paths.has(path) && !leftOut.test(path)),
    ).toEqual([])
    for (const path of ['dist/cli/index.js', 'dist/agent/index.js', 'dist/shared/index.js'])
      expect(paths).toContain(path)
    expect([...paths].filter((path) => /^(test|src|scripts)\//.test(path))).toEqual([])
  })
})
