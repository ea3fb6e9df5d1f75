import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Layout, layout } from '../../../src/agent/layout.ts'
import { healthScript } from '../../../src/agent/setup/health-timer.ts'
import { tryRun } from '../../../src/lib/index.ts'

const RELEASE = '20261124t101500z-abc1234def01'
const CONFIG = '0123456789abcdef'

let folder: string
let paths: Layout
let script: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pacs-health-timer-'))
  paths = layout(join(folder, 'opt'), join(folder, 'run'))
  await mkdir(paths.bin, { recursive: true })
  await symlink(process.execPath, join(paths.bin, 'node'))
  script = join(paths.bin, 'health-check')
  await writeFile(script, healthScript(paths))
  await chmod(script, 0o755)
})
afterEach(() => rm(folder, { recursive: true }))

async function serve(serving: { release: string; config: string } | null): Promise<void> {
  await writeFile(paths.state, JSON.stringify({ schema: 1, serving }))
}

/** A release whose check says what it was asked, and a configuration for it. */
async function bring(env: string): Promise<void> {
  const monitoring = join(paths.releases, RELEASE, 'stack/monitoring')
  await mkdir(monitoring, { recursive: true })
  await writeFile(
    join(monitoring, 'health-check.js'),
    'console.log(JSON.stringify(process.argv.slice(1))); process.exitCode = 11',
  )
  await mkdir(join(paths.config, CONFIG), { recursive: true })
  await writeFile(join(paths.config, CONFIG, '.env'), env)
}

const run = (env: Record<string, string> = {}) => tryRun(script, [], { env: { PATH: process.env.PATH ?? '', ...env } })

describe('the health check by a timer', () => {
  it.each([
    ['PACS_PUBLIC_HOST=pacs.example.org\n'],
    [`# PACS_PUBLIC_HOST='old.example.org'\nA=1\nPACS_PUBLIC_HOST='pacs.example.org' # ours\nDB_PASSWORD=x\n`],
    ['PACS_PUBLIC_HOST=before.example.org\nPACS_PUBLIC_HOST="pacs.example.org"\n'],
  ])('runs the program of what serves, by the configuration that it runs with: %j', async (env) => {
    await bring(env)
    await serve({ release: RELEASE, config: CONFIG })
    const { code, stdout, stderr } = await run()
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toEqual([
      join(paths.releases, RELEASE, 'stack/monitoring/health-check.js'),
      ...['--url', 'https://pacs.example.org/', '--ca-file', '/etc/ssl/certs/ca-certificates.crt'],
      ...['--secrets', join(paths.config, CONFIG, 'secrets'), '--format', 'prometheus'],
      ...['--output', join(paths.metrics, 'health.prom')],
    ])
    expect(code).toBe(11)
  })

  it('says so where nothing serves, or a stack without such a program', async () => {
    const none = { code: 0, stdout: 'nothing serves that brought a health check', stderr: '' }
    await bring('PACS_PUBLIC_HOST=pacs.example.org\n')
    await serve(null)
    expect(await run()).toMatchObject(none)
    // As systemd runs it, twice a minute.
    expect(await run({ INVOCATION_ID: '0123456789abcdef0123456789abcdef' })).toMatchObject({ ...none, stdout: '' })
    await serve({ release: '20261124t101500z-000000000000', config: CONFIG })
    expect(await run()).toMatchObject(none)
  })

  it('fails where the state cannot be read', async () => {
    const { code, stderr } = await run()
    expect(code).not.toBe(0)
    expect(stderr).toContain('state.json')
  })
})
