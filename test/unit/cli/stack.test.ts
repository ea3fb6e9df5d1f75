import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { stringify } from 'yaml'
import { runCommand } from '../../../src/cli/main.ts'
import { exitClass } from '../../../src/lib/index.ts'

let directory: string
let printed: string[]
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pacs-stack-'))
  printed = []
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(directory, { recursive: true, force: true })
})

const HARDENED = {
  image: 'ghcr.io/org/api:1.2.3',
  user: '1000:1000',
  restart: 'always',
  read_only: true,
  security_opt: ['no-new-privileges:true'],
  logging: { driver: 'local' },
  healthcheck: { test: ['CMD', 'true'] },
  ...{ mem_limit: '64M', cpus: 1, pids_limit: 10, stop_grace_period: '10s' },
  networks: { inner: null },
}
const APP = { ...HARDENED, deploy: { update_config: { order: 'start-first' } } }
const X_PACS = { port: 8080, ready: '/ready', route: 'PathPrefix(`/`)', checks: [{ path: '/' }] }

/** Checks a stack of this service and an edge; Compose, which no unit test has, is a program that hands the model out as it stands. */
async function check(service: object, ...args: string[]): Promise<number> {
  const model = { services: { api: service, edge: HARDENED }, networks: { inner: { name: 'sample-inner' } } }
  await writeFile(join(directory, 'compose.yml'), stringify(model))
  await writeFile(join(directory, 'model.json'), JSON.stringify({ name: 'sample', ...model }))
  await writeFile(join(directory, 'docker'), `#!/bin/sh\ncat ${directory}/model.json\n`, { mode: 0o755 })
  vi.stubEnv('PATH', `${directory}:${process.env.PATH}`)
  const console = { print: (line: string) => void printed.push(line), aside: () => undefined, root: '', env: {} }
  return runCommand(['stack', 'check', '--compose-file', join(directory, 'compose.yml'), ...args], console)
}

describe('stack check', () => {
  it('names each blocker by file and line, with why and what to write', async () => {
    expect(await check({ ...APP, privileged: true, user: 'root', 'x-pacs': X_PACS })).toBe(exitClass.refused)
    expect(printed).toEqual([
      expect.stringMatching(/^compose\.yml:4: api: runs as root: give it a user of its own \(.*\) \[root-user\]$/),
      expect.stringMatching(
        /^compose\.yml:\d+: api: privileged: leave it out, .* \(.* root on the machine\) \[privileged\]$/,
      ),
      '2 findings, 0 allowed, 2 services',
    ])
  })

  it('tells apart what is allowed for a reason, and says all of it as JSON', async () => {
    const service = { ...APP, privileged: true, 'x-pacs': { ...X_PACS, allow: { privileged: 'until version 3' } } }
    expect(await check(service)).toBe(exitClass.ok)
    expect(printed[0]).toMatch(/\[privileged\] allowed: until version 3$/)
    printed = []
    expect(await check(service, '--json')).toBe(exitClass.ok)
    expect(JSON.parse(printed.join(''))).toMatchObject({
      findings: [],
      allowed: [{ rule: 'privileged', because: 'until version 3', service: 'api' }],
    })
  })
})
