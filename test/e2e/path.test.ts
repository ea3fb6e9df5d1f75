// The path that a user takes: the example workflows, run by act in GitHub's place, bring a small PACS to two servers.
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Lab, type Machine, startLab } from '../lab/index.ts'
import { Counter } from '../load/counter.ts'
import { agent, configure, productionConfig, setUp, statusOf } from '../site/server.ts'
import { UserRepository } from '../site/user-repository.ts'

let lab: Lab
let repository: UserRepository
let staging: Machine
let production: Machine
let first = ''

beforeAll(async () => {
  lab = await startLab()
  staging = lab.server('staging')
  production = lab.server('production')
  const key = (await readFile(`${lab.sshKey}.pub`, 'utf8')).trim()
  for (const server of lab.servers.values()) {
    await setUp(server, key)
    await configure(server, await productionConfig(lab, server))
  }
  repository = await UserRepository.create(lab)
})

afterAll(() => lab?.down())

async function count(server: Machine): Promise<Counter> {
  const ca = await readFile(lab.ca, 'utf8')
  return new Counter({ host: '127.0.0.1', port: server.port(443), servername: server.hostname, ca })
}

describe('the example workflows', () => {
  it('bring the first release to two empty servers, the same digest', async () => {
    const run = await repository.push()
    expect(run.green, run.printed.slice(-3000)).toBe(true)
    expect(run.jobs).toHaveLength(3)
    const [one, two] = [await statusOf(staging), await statusOf(production)]
    expect(one.serving?.content).toBe(two.serving?.content)
    expect(one.serving?.release).toBe(two.serving?.release)
    first = two.serving?.release ?? ''
  })

  it('bring a second release without one lost request', async () => {
    const counter = await count(production)
    await repository.release('version-2.patch')
    const run = await repository.push()
    const report = await counter.stop()
    expect(run.green, run.printed.slice(-3000)).toBe(true)
    expect(report.lost).toEqual([])
    expect(report.sent).toBeGreaterThan(2000)
    expect(report.instances.size).toBe(2)
    expect((await statusOf(production)).warm?.release).toBe(first)
  })

  it('refuse a release that never gets ready while the old one serves, and never reach production', async () => {
    const before = await statusOf(staging)
    const counter = await count(staging)
    await repository.release('never-ready.patch')
    const run = await repository.push()
    const report = await counter.stop()
    expect(run.green).toBe(false)
    expect(run.printed).toContain('rolled-back')
    expect(report.lost).toEqual([])
    expect(report.instances.size).toBe(1)
    expect((await statusOf(staging)).serving).toEqual(before.serving)
    expect(run.jobs).not.toContain('Production/Deploy to an environment/Deploy')
  })

  it('go back from a release that fails once it is public, which only then answers 5xx', async () => {
    const before = await statusOf(staging)
    const counter = await count(staging)
    await repository.release('public-500.patch')
    const run = await repository.push()
    const report = await counter.stop()
    expect(run.green).toBe(false)
    expect(run.printed).toMatch(/rolled-back: \d+ of \d+ requests answered with a 5xx within 5 s/)
    expect((await statusOf(staging)).serving).toEqual(before.serving)
    // Every lost request was a 5xx of the new release; the old one lost none.
    const [, fresh] = [...report.instances.keys()]
    expect(fresh).toBeDefined()
    expect(report.lost.length).toBeGreaterThan(0)
    expect(report.lost.filter(({ status, instance }) => status !== 500 || instance === null)).toEqual([])
    expect(new Set(report.lost.map(({ instance }) => instance)).size).toBe(1)
    expect(report.lost[0]?.instance).toBe(fresh)
  })

  it('roll back by dispatch to the release that still runs, without a lost request', async () => {
    const counter = await count(production)
    const run = await repository.rollback({ environment: 'production', reason: 'the worklist looks wrong' })
    const report = await counter.stop()
    expect(run.green, run.printed.slice(-3000)).toBe(true)
    expect(report.lost).toEqual([])
    expect((await statusOf(production)).serving?.release).toBe(first)
  })

  it('leave what is asked for again unchanged', async () => {
    const { stdout } = await agent(production, ['releases', '--json'])
    const references = [...stdout.matchAll(/"reference": ?"([^"]+)"/g)].map(([, reference]) => reference)
    const again = await agent(production, ['deploy', references[0] ?? '', '--json'])
    expect(again.stdout).toContain('unchanged')
    expect(again.code).toBe(0)
  })

  it('show no secret in any log or summary', async () => {
    const key = (await readFile(lab.sshKey, 'utf8')).split('\n')[1] ?? ''
    const run = await repository.rollback({ environment: 'production', reason: 'and forward again' })
    expect(key.length).toBeGreaterThan(20)
    expect(run.printed).not.toContain(key)
    expect(run.printed).not.toContain('lab-registry-token')
  })
})
