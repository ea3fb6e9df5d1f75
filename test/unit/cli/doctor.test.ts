import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sourcesOf } from '../../../src/cli/doctor/build-sources.ts'
import { examineGitHub } from '../../../src/cli/doctor/github.ts'
import { type Remark, remarksOf } from '../../../src/cli/doctor/remark.ts'
import { examineRepository } from '../../../src/cli/doctor/repository.ts'
import { examineHealth, examineServer } from '../../../src/cli/doctor/server.ts'
import { runCommand } from '../../../src/cli/main.ts'
import { exitClass } from '../../../src/lib/index.ts'
import { fakeRepository } from '../../github/fake-repository.ts'
import { silent } from '../../health/services.ts'
import { publicSite } from '../health/public-site.ts'
import { ED25519 } from '../ssh/keys.ts'

const root = join(import.meta.dirname, '../../..')
const PATH = process.env.PATH ?? ''
const said = (remarks: readonly Remark[], state: Remark['state']) =>
  remarks.filter((remark) => remark.state === state).map(({ what }) => what)

describe('the doctor, in a repository', () => {
  let repository: string
  const git = (...args: string[]) => execFileSync('git', ['-C', repository, ...args])
  const put = (path: string, text: string) => writeFile(join(repository, path), text)
  beforeEach(async () => {
    repository = await mkdtemp(join(tmpdir(), 'pacs-doctor-'))
    git('init', '-q')
  })
  afterEach(() => rm(repository, { recursive: true }))

  it('says all at once what an empty one lacks', async () => {
    const { remarks, environments } = await examineRepository(repository, root, PATH)
    expect(environments).toEqual([])
    expect(said(remarks, 'missing')).toEqual(
      expect.arrayContaining([
        'there is no deployment/production/docker-compose.prod.yml',
        'there is no .github/workflows/release.yml',
        'there is no deployment/environments.yml',
      ]),
    )
    expect(said(remarks, 'warning')).toContain('there is no .github/workflows/verify-backup.yml')
  })

  it('finds an edited migration, a committed secret and a wrong environments file', async () => {
    const console = { print: () => undefined, aside: () => undefined, root, env: { PATH } }
    await runCommand(['init', '--directory', repository], console)
    await put('deployment/production/migrations/001_create_collections.js', 'export default {}\n')
    await put('deployment/production/.env', 'A=1\n')
    await put(
      'deployment/environments.yml',
      `staging:\n  host: pacs.hospital.org\n  user: pacs\n  host-keys: ['${ED25519}']\n`,
    )
    git('add', '-A', '-f')
    const { remarks } = await examineRepository(repository, root, PATH)
    const missing = said(remarks, 'missing').join('\n')
    expect(missing).toMatch(/^migrations: /m)
    expect(missing).toContain('deployment/production/.env is committed')
    expect(missing).toContain('staging.public-url is missing')
    expect(said(remarks, 'ok')).toContain('1 files differ from this version of pacs-deploy (init --diff shows how)')
  })

  it('takes no workflow of another kind for one that deploys, and names those that use the example of a suite', async () => {
    const console = { print: () => undefined, aside: () => undefined, root, env: { PATH } }
    const workflow = (name: string) => join(repository, '.github/workflows', name)
    await mkdir(join(repository, '.github/workflows'), { recursive: true })
    const other = 'on: push\njobs:\n  release:\n    steps:\n      - uses: googleapis/release-please-action@v4\n'
    await writeFile(workflow('release.yml'), other)
    await writeFile(workflow('test.yml'), other)
    await runCommand(['init', '--directory', repository], console)
    const about = async () =>
      said((await examineRepository(repository, root, PATH)).remarks, 'missing').filter((what) =>
        what.startsWith('.github/workflows'),
      )
    const examples = 'deploy-environment.yml, migrate-contract.yml, plan.yml, rollback.yml, scan.yml, verify-backup.yml'
    expect(await about()).toEqual([
      '.github/workflows/release.yml is another workflow: it deploys nothing by pacs-deploy',
      `.github/workflows: org/pacs-deploy is still the example in ${examples}`,
    ])
    for (const suite of ['hospital/pacs-deploy', 'hospital/rollouts']) {
      for (const name of await readdir(join(root, 'workflows-examples'))) {
        const text = await readFile(join(root, 'workflows-examples', name), 'utf8')
        await writeFile(workflow(name), text.replaceAll('org/pacs-deploy', suite))
      }
      expect(await about(), suite).toEqual([])
    }
  })

  it('reads what a Dockerfile copies, so that an app that is not there is named before the first build', () => {
    const text = `FROM a AS one\nCOPY --chown=1:1 app/package.json \\\n  app/lock.json ./\nCOPY --from=one /x /y\nADD $FILE *.md <<END z/\ncopy app /app\n`
    expect(sourcesOf(text)).toEqual(['app/package.json', 'app/lock.json', 'app'])
  })

  it('knows an option that is not there', async () => {
    const console = { print: () => undefined, aside: () => undefined, root, env: { PATH } }
    await expect(runCommand(['doctor', '--directory', repository, '--all'], console)).rejects.toThrow(/--all/)
  })

  it('tells of an environment that is still the example what to fill in, and how to come by its host key', async () => {
    const printed: string[] = []
    const console = { print: (line: string) => void printed.push(line), aside: () => undefined, root, env: { PATH } }
    const asked = ['doctor', '--directory', repository, '--offline', '--environment', 'production']
    expect(await runCommand(asked, console)).toBe(exitClass.refused)
    expect(printed.join('\n')).toContain('there is no deployment/environments.yml')
    await runCommand(['init', '--directory', repository], console)
    printed.length = 0
    expect(await runCommand(asked, console)).toBe(exitClass.refused)
    expect(printed.join('\n')).toMatch(/production is still the example: its host.*ssh-keyscan.*compare.*console/)
    await expect(runCommand([...asked.slice(0, -1), 'moon'], console)).rejects.toThrow(/no environment "moon"/)
  })
})

describe('the doctor, on GitHub', () => {
  const full = {
    variables: { IMAGES: 'ghcr.io/org/pacs' },
    environments: { staging: ['SSH_KEY'], production: ['SSH_KEY'], 'production-proof': ['SSH_KEY'] },
    reviewed: ['production'],
  }
  const names = ['staging', 'production']

  it('finds all well', async () => {
    await using github = await fakeRepository(full)
    const remarks = await examineGitHub({ api: github.url, token: github.token, repository: 'org/pacs' }, names)
    expect(said(remarks, 'ok')).toHaveLength(4)
    expect(remarks).toHaveLength(4)
  })

  it('reads every page, and what the organization shares', async () => {
    const many = Object.fromEntries(Array.from({ length: 70 }, (_, index) => [`A${index}`, 'x']))
    for (const state of [
      { ...full, variables: { ...many, ...full.variables } },
      { ...full, variables: many, shared: { ...many, ...full.variables } },
    ]) {
      await using github = await fakeRepository(state)
      const remarks = await examineGitHub({ api: github.url, token: github.token, repository: 'org/pacs' }, names)
      expect(said(remarks, 'ok')).toContain('IMAGES is ghcr.io/org/pacs')
      expect(remarks).toHaveLength(4)
    }
  })

  it('names every variable, environment and secret that is missing', async () => {
    await using github = await fakeRepository({ variables: {}, environments: { production: [] }, reviewed: [] })
    const remarks = await examineGitHub({ api: github.url, token: github.token, repository: 'org/pacs' }, names)
    expect(said(remarks, 'missing')).toEqual([
      'the variable IMAGES (this token does not see those of an organization)',
      'the environment staging',
      'the secret SSH_KEY of production',
    ])
    expect(said(remarks, 'warning')).toEqual([
      "production is deployed to without anybody's approval",
      'the environment production-proof, by which verify-backup.yml runs at night',
    ])
    expect(remarks.find(({ what }) => what.endsWith('approval'))?.todo).toMatch(
      /without GitHub Enterprise .* release\.yml/,
    )
  })

  it('says what it could not look at, and never shows the token', async () => {
    await using github = await fakeRepository(full)
    const wrong = { api: github.url, token: 'sentinel-wrong-token', repository: 'org/pacs' }
    const other = { api: github.url, token: github.token, repository: 'org/other' }
    const all = [
      await examineGitHub(wrong, names),
      await examineGitHub(other, names),
      await examineGitHub({ ...wrong, token: undefined }, names),
      await examineGitHub({ ...wrong, repository: undefined }, names),
      await examineGitHub({ ...wrong, api: 'http://127.0.0.1:9' }, names),
    ].flat()
    expect(all.filter(({ state }) => state !== 'unknown')).toEqual([])
    expect(said(all, 'unknown').join('\n')).toMatch(
      /know this token \(401\)[\s\S]*this token \(404\)[\s\S]*GITHUB_TOKEN/,
    )
    expect(JSON.stringify(all)).not.toContain('sentinel')
  })
})

describe('the doctor, at a server', () => {
  it.each([
    [{ healthy: false, checks: [] }, 'missing'],
    [{ healthy: true, checks: [] }, 'missing'],
    [{ healthy: true, checks: [{ name: 'web', critical: true, ok: true, detail: 'ok', ms: 1 }] }, 'ok'],
    [{ healthy: true, checks: [{ name: 'web', critical: false, ok: false, detail: 'status 500', ms: 1 }] }, 'warning'],
  ])('takes silence for no health: %j', async (health, state) => {
    const { remarks, note } = remarksOf('server')
    await examineHealth(async () => health, 'r-1', note)
    expect(remarks.map((remark) => remark.state)).toEqual([state])
  })

  it('looks at the certificate that its public entry shows', async () => {
    await using site = await publicSite((_request, response) => response.end())
    const target = { host: '127.0.0.1', port: 9, user: 'pacs', 'host-keys': [ED25519] }
    const environment = { name: 'staging', target, publicUrl: site.url }
    const remarks = await examineServer(environment, { key: undefined, version: '1', env: { PATH } })
    expect(said(remarks, 'warning')).toEqual([
      expect.stringMatching(
        /^the certificate of https:\/\/localhost:\d+\/: the certificate does not hold: .*SELF_SIGNED/,
      ),
    ])
  })

  it('tells one that is not there, and does not take silence for a host key', async () => {
    const service = await silent()
    const target = { host: '127.0.0.1', port: service.port, user: 'pacs', 'host-keys': [ED25519] }
    const environment = { name: 'staging', target, publicUrl: 'https://x/' }
    await service[Symbol.asyncDispose]()
    const remarks = await examineServer(environment, { key: undefined, version: '1', env: { PATH } })
    expect(said(remarks, 'missing')).toEqual([`127.0.0.1:${service.port} does not answer by SSH`])
    expect(said(remarks, 'unknown')).toEqual(['what its agent says: there is no key'])
  })
})

it('the help names init, setup and doctor', async () => {
  const printed: string[] = []
  const console = { print: (line: string) => void printed.push(line), aside: () => undefined, root, env: {} }
  expect(await runCommand(['--help'], console)).toBe(exitClass.ok)
  for (const command of ['init', 'setup', 'doctor']) expect(printed[0]).toContain(`pacs-deploy ${command} `)
  expect(await runCommand(['stack', 'check', '--help'], console)).toBe(exitClass.ok)
  expect(printed[1]).toBe('usage: pacs-deploy stack check [--compose-file PATH] [--json]')
  await expect(runCommand(['setup', 'nobody'], console)).rejects.toThrow(/"nobody" is no user@host/)
  await expect(runCommand(['setup', 'root@-oProxyCommand=id'], console)).rejects.toThrow(/is no user@host/)
  await expect(runCommand(['setup', 'root@h', '--port'], console)).rejects.toThrow(/--port needs a value/)
})
