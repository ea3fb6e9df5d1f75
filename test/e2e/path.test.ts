// The path that a user takes: the example workflows, run by act in GitHub's place, bring a small PACS to two servers.
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { TransactionEvent } from '../../src/agent/protocol.ts'
import { parseManifest } from '../../src/release/index.ts'
import { FakeGitHub } from '../github/fake-api.ts'
import { freeze, type Machine, waitFor } from '../lab/index.ts'
import type { Counter } from '../load/counter.ts'
import { secretsInImage, tracedTo } from '../site/secrets.ts'
import { repositoryRoot, statusOf } from '../site/server.ts'
import { count, countRun, type Site, startSite } from '../site/site.ts'
import { atRest, journalOf } from '../site/transactions.ts'
import type { UserRepository, WorkflowRun } from '../site/user-repository.ts'

/** Milliseconds within which what a step waits for comes also on a busy machine. */
const PATIENCE = 120_000
/** Where the arguments of all that the workflow of the first release started are. */
const TRACE = '/srv/first-release.trace'
const SCRIPTS = join(repositoryRoot, 'deployment/production/scripts')

let site: Site
let repository: UserRepository
let staging: Machine
let production: Machine
/** Good releases by reference, and the id of the first. */
const releases = { first: '', second: '' }
let first = ''
/** Lies in the checkout in `.env` files, keys and `.git`, where builds must not take it from. */
const inCheckout = randomBytes(24).toString('hex')
/** Lies beside it under a name that nothing keeps out: whoever does not find it has not looked where the other one would be. */
const taken = randomBytes(24).toString('hex')
/** Everything that the workflows printed, and their summaries. */
const said: string[] = []

beforeAll(async () => {
  site = await startSite(['staging', 'production'])
  repository = site.repository
  staging = site.lab.server('staging')
  production = site.lab.server('production')
  for (const migration of ['004_export_format.js', '005_drop_note.js']) await repository.addMigration(migration)
  await repository.makeFirst()
  await repository.plant(inCheckout, taken)
})

afterAll(async () => {
  await site?.[Symbol.asyncDispose]()
})

function keep(run: WorkflowRun): void {
  said.push(run.printed, ...run.summaries)
}

/** A push to main, with the requests counted at one server: more than `least`. */
async function countedPush(server: Machine, least = 0) {
  const { run, reports } = await countRun(site.lab, [{ server }], (options) => repository.push(options), { least })
  keep(run)
  const [report] = reports
  if (report === undefined) throw new Error('nothing was counted')
  return { run, report }
}

describe('the example workflows', () => {
  it('bring the first release to two empty servers, the same digest', async () => {
    const run = await repository.push({ through: tracedTo(TRACE) })
    keep(run)
    expect(run.green, run.printed.slice(-3000)).toBe(true)
    for (const title of ['Build', 'Push', 'Deploy to staging', 'Health of staging'])
      expect(run.summaries.join('\n')).toMatch(new RegExp(`^### ✅ ${title}`, 'm'))
    expect(run.jobs.map((name) => name.replace(/^Release\//, ''))).toEqual([
      'Build and push',
      'Staging/Deploy to an environment/Deploy',
      'Production/Deploy to an environment/Deploy',
      'Finish-1',
      'Finish-2',
    ])
    for (const server of [staging, production])
      expect(await lastMigration(server)).toEqual({
        outcome: 'done',
        message: heldBefore('applied: 004_export_format'),
      })
    const [one, two] = [await statusOf(staging), await statusOf(production)]
    expect(one.serving?.content).toBe(two.serving?.content)
    expect(one.serving?.release).toBe(two.serving?.release)
    first = two.serving?.release ?? ''
    releases.first = run.outputs.get('build/push')?.release ?? ''
  })

  it('bring a second release without one lost request', async () => {
    await repository.release('version-2.patch')
    const { run, report } = await countedPush(production, 2000)
    expect(run.green, run.printed.slice(-3000)).toBe(true)
    expect(report.lost).toEqual([])
    expect(report.sent).toBeGreaterThan(2000)
    expect(report.instances.size).toBe(2)
    expect((await statusOf(production)).warm?.release).toBe(first)
    expect(run.jobs.filter((name) => name.includes('Finish'))).toEqual([])
    releases.second = run.outputs.get('build/push')?.release ?? ''
  })

  it('are green, and change nothing, when they are run again on what serves', async () => {
    const before = [await statusOf(staging), await statusOf(production)].map(({ serving }) => serving)
    const run = await repository.push({ attempt: 2 })
    keep(run)
    expect(run.green, run.printed.slice(-3000)).toBe(true)
    expect(run.outputs.get('build/push')?.release).not.toBe(releases.second)
    expect([await statusOf(staging), await statusOf(production)].map(({ serving }) => serving)).toEqual(before)
  })

  it('leave a server on which the release brought a health check that finds every part up, from outside too', async () => {
    const release = (await statusOf(production)).serving?.release ?? ''
    await production.copyIn(site.lab.ca, '/root/ca.crt')
    const outside = ['--url', `https://${production.hostname}/`, '--ca-file', '/root/ca.crt', '--release', release]
    const check = () => {
      const script = `/opt/pacs/releases/${release}/stack/monitoring/health-check.js`
      return production.exec(['/opt/pacs/bin/node', script, '--format', 'json', ...outside])
    }
    const { stdout, stderr } = await check()
    expect(stdout, stderr).not.toBe('')
    const { checks } = healthReportSchema.parse(JSON.parse(stdout))
    // The disk is this machine's own.
    expect(checks.filter(({ service, state }) => service !== 'disk' && state !== 'up')).toEqual([])
    expect(checks.map(({ check }) => check)).toEqual(
      expect.arrayContaining([
        '/ping',
        '/api/health',
        '/system',
        'dicom',
        'mongodb',
        'postgres',
        'redis',
        'certificate',
        'version',
      ]),
    )
    await freeze(() => production.run(['docker', 'pause', 'pacs-redis-1']))
    const blind = await check()
    await production.run(['docker', 'unpause', 'pacs-redis-1'])
    expect(blind.code).toBe(11)
    const down = healthReportSchema.parse(JSON.parse(blind.stdout)).checks.filter(({ state }) => state === 'down')
    expect(down.map(({ service }) => service)).toEqual(expect.arrayContaining(['redis', 'backend']))
    expect(down.map(({ service }) => service)).not.toContain('mongodb')
  })

  it('refuse a release that never gets ready while the old one serves, and never reach production', async () => {
    const before = await statusOf(staging)
    await repository.release('never-ready.patch')
    const { run, report } = await countedPush(staging)
    expect(run.green).toBe(false)
    expect(run.printed).toContain('rolled-back')
    expect(report.lost).toEqual([])
    expect(report.instances.size).toBe(1)
    expect((await statusOf(staging)).serving).toEqual(before.serving)
    expect(run.jobs).not.toContain('Production/Deploy to an environment/Deploy')
  })

  it('go back from a release that fails once it is public, which only then answers 5xx', async () => {
    const before = await statusOf(staging)
    await repository.release('public-500.patch')
    const { run, report } = await countedPush(staging)
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

  it("leave in the journal what each release's API said, by one name, that of one which was taken back and is gone too", async () => {
    const kept = await staging.run(['journalctl', '--no-pager', '--all', '-o', 'json', '-t', 'backend'])
    const lines = kept
      .trim()
      .split('\n')
      .map((line) => journalSchema.parse(JSON.parse(line)))
    const said = new Map<string, string>()
    for (const { CONTAINER_ID_FULL: id, MESSAGE } of lines) said.set(id, `${said.get(id) ?? ''}${MESSAGE}\n`)
    const present = (await staging.run(['docker', 'ps', '--all', '--quiet', '--no-trunc'])).split('\n')
    const gone = [...said.keys()].filter((id) => !present.includes(id))
    expect(gone.map((id) => said.get(id))).toContainEqual(expect.stringContaining('"msg":"listening"'))
    // One that is being removed at this moment has no log any more.
    const running = (await staging.run(['docker', 'ps', '--quiet', '--no-trunc'])).split('\n')
    const serving = [...said.keys()].filter((id) => running.includes(id))
    expect(serving).not.toEqual([])
    for (const id of serving) {
      const { stdout, stderr } = await staging.exec(['docker', 'logs', id])
      expect(stdout + stderr).toContain(said.get(id)?.split('\n')[0])
    }
  })

  it('roll back by dispatch to the release that still runs, without a lost request', async () => {
    const inputs = { environment: 'production', reason: 'the worklist looks wrong' }
    const { run, reports } = await countRun(site.lab, [{ server: production }], (options) =>
      repository.rollback(inputs, options),
    )
    keep(run)
    expect(run.green, run.printed.slice(-3000)).toBe(true)
    expect(reports[0]?.lost).toEqual([])
    expect((await statusOf(production)).serving?.release).toBe(first)
  })
})

const healthReportSchema = z.object({
  checks: z.array(z.object({ service: z.string(), check: z.string(), state: z.string() })),
})
const journalSchema = z.object({ CONTAINER_ID_FULL: z.string(), MESSAGE: z.string() })
const summarySchema = z.object({ transaction: z.string(), outcome: z.string(), message: z.string() })

/** What the newest migration of a server's journal came to. */
async function lastMigration(server: Machine): Promise<{ outcome: string; message: string } | undefined> {
  const lines = (await server.run(['pacs-agent', 'logs', '--json'])).trim().split('\n')
  const last = lines
    .map((line) => summarySchema.parse(JSON.parse(line)))
    .findLast((one) => /^(?:migrate|undo)-/.test(one.transaction))
  return last && { outcome: last.outcome, message: last.message }
}

/** What a migration says, and the backup before it where the database held a document by then. */
function heldBefore(done: string): unknown {
  return expect.stringMatching(
    new RegExp(`^${done}(?:; backup \\S+ holds (?:what was before|the database as of \\S+))?$`),
  )
}

describe('the workflow scan.yml', () => {
  it('turns red and opens an issue when it cannot judge what runs, which the next scan closes', async () => {
    await using github = await FakeGitHub.start(await repository.hostAddress())
    const scan = (vars: Readonly<Record<string, string>> = {}) =>
      repository.scan({ environment: 'production' }, { github, vars })
    const blind = await scan({ SCANNER_SHA256: '0'.repeat(64) })
    keep(blind)
    expect(blind.green).toBe(false)
    expect(blind.printed).toContain('0'.repeat(64))
    expect(github.issues).toMatchObject([{ state: 'open', title: expect.stringContaining('production') }])

    const run = await scan({ CODE_SCANNING: 'true' })
    keep(run)
    expect(run.green, run.printed.slice(-3000)).toBe(true)
    const summary = run.summaries.join('\n')
    expect(summary).toMatch(/^### ✅ Scan of production/m)
    expect(summary).toMatch(new RegExp(`${first}.*: nothing new in its \\d+ images`))
    expect(github.issues).toMatchObject([{ state: 'closed' }])
    expect(run.printed).toContain('SARIF as scan-production holds "name": "pacs-deploy scan"')
    expect(run.printed).toMatch(/artifact scan-metrics-production holds [1-9]\d* samples/)
  })
})

describe('the workflows of migrations', () => {
  it('show on a pull request what its migrations would do to staging, and write nothing there', async () => {
    const run = await repository.pullRequest('006_export_size.js')
    keep(run)
    expect(run.green, run.printed.slice(-3000)).toBe(true)
    expect(run.outputs.get('plan/plan')).toMatchObject({ pending: '005_drop_note', 'pending-data': '' })
    expect(run.summaries.join('')).toMatch(/006&#95;export&#95;size \(data\) waits for 005/)
    expect((await lastMigration(staging))?.message).toMatch(
      /^would be applied: 005_drop_note; 006_export_size \(data\) waits/,
    )
  })

  it('apply a contract by dispatch, for a reason', async () => {
    const reason = 'nobody goes back any more'
    const run = await repository.contract({ environment: 'staging', release: releases.second, reason })
    keep(run)
    expect(run.green, run.printed.slice(-3000)).toBe(true)
    expect(run.printed).toContain(`why: ${reason}`)
    expect(await lastMigration(staging)).toEqual({ outcome: 'done', message: heldBefore('applied: 005_drop_note') })
  })
})

describe('deploy.sh', () => {
  it('brings a release at the console of the server, and says the class of what became of it', async () => {
    await production.copyIn(join(SCRIPTS, 'deploy.sh'), '/root/deploy.sh', 0o755)
    const deploy = (release: string) => production.exec(['/root/deploy.sh', release, '--watch', '2s', '--json'])
    const counter = await count(site.lab, production)
    const deployed = await deploy(releases.second)
    expect(deployed.code, deployed.stderr).toBe(0)
    expect(deployed.stdout).toContain('"outcome":"deployed"')
    expect((await counter.stop()).lost).toEqual([])
    expect((await statusOf(production)).serving?.release).not.toBe(first)
    const again = await deploy(releases.second)
    expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining('"outcome":"unchanged"') })
    const absent = await deploy(releases.second.replace(/@.*/, `@sha256:${'0'.repeat(64)}`))
    expect(absent.code).toBe(40)
    expect(absent.stdout + absent.stderr).toContain('the registry has no such image')
  })
})

describe('migrate.sh and rollback.sh', () => {
  it('apply a contract at the console of the server, and undo it', async () => {
    const script = async (name: string, ...args: string[]) => {
      await production.copyIn(join(repositoryRoot, 'deployment/production/migrations', name), `/root/${name}`, 0o755)
      const { code, stdout, stderr } = await production.exec([`/root/${name}`, ...args])
      expect(code, stdout + stderr).toBe(0)
      return lastMigration(production)
    }
    const reason = 'nobody goes back any more'
    const migrated = await script('migrate.sh', releases.second, '--phase', 'contract', '--reason', reason)
    expect(migrated).toEqual({ outcome: 'done', message: heldBefore('applied: 005_drop_note') })
    const undone = await script('rollback.sh', '004_export_format', '--reason', 'somebody does')
    expect(undone).toEqual({ outcome: 'done', message: heldBefore('undone: 005_drop_note') })
  })
})

describe('a secret', () => {
  const authorities = () => site.lab.files.authority
  const secondLine = async (path: string) => (await readFile(path, 'utf8')).split('\n')[1] ?? ''

  async function sentinels(): Promise<Record<string, string>> {
    const configs = [...site.configs].flatMap(([name, { secrets }]) =>
      Object.entries(secrets).map(([what, value]) => [`${what} of ${name}`, value]),
    )
    return {
      ...Object.fromEntries(configs),
      'ssh key': await secondLine(site.lab.sshKey),
      'tls key': await secondLine(authorities().issued(production.hostname).key),
      'registry token': 'lab-registry-token',
    }
  }

  it('is in no log or summary of any workflow', async () => {
    expect(said.length).toBeGreaterThan(8)
    const secrets = await sentinels()
    for (const [name, secret] of Object.entries(secrets)) {
      expect(secret.length, name).toBeGreaterThan(15)
      expect(said.join('\n').includes(secret), name).toBe(false)
    }
  })

  it('is in no argument of what build, push, deploy and health-check started for the first release', async () => {
    const trail = await site.lab.runner.readText(TRACE)
    for (const program of ['docker', 'ssh']) expect(trail).toMatch(new RegExp(`execve\\("[^"]*/${program}", \\[`))
    for (const [name, secret] of Object.entries(await sentinels())) expect(trail.includes(secret), name).toBe(false)
  })

  it('is in no layer of the app and of the release that were pushed, where one that was planted is found', async () => {
    const planted = randomBytes(24).toString('hex')
    const secrets = { ...(await sentinels()), inCheckout, planted, taken }
    const id = (await statusOf(production)).serving?.release
    const manifest = parseManifest('release.json', await production.readText(`/opt/pacs/releases/${id}/release.json`))
    const pushed = ['frontend', 'backend'].map((service) => {
      const { ref, digest } = manifest.images[service] ?? {}
      return `${ref}@${digest}`
    })
    for (const image of pushed) expect(await secretsInImage(production, image, secrets)).toEqual(['taken'])
    expect(await secretsInImage(production, releases.second, secrets)).toEqual([])

    // In a layer that a later one hides: neither the history nor a container shows it.
    await production.copyIn(Buffer.from(planted), '/root/plant/secret')
    await production.copyIn(Buffer.from(''), '/root/plant/empty')
    const dockerfile = `FROM ${releases.second}\nCOPY secret /config\nCOPY empty /config\n`
    await production.copyIn(Buffer.from(dockerfile), '/root/plant/Dockerfile')
    await production.run(['docker', 'buildx', 'build', '--load', '-t', 'planted:1', '/root/plant'])
    const shown = await production.run(['docker', 'history', '--no-trunc', 'planted:1'])
    expect(shown).not.toContain(planted)
    expect(await secretsInImage(production, 'planted:1', secrets)).toEqual(['planted'])
  })
})

describe('the action at the root', () => {
  it('backs up where that is asked for, brings a given release to an environment and proves that it serves there', async () => {
    // Nothing stays warm, so that the deploys below start their release from nothing.
    const run = await repository.bring(
      { environment: 'staging', release: releases.first },
      { vars: { KEEP_WARM: '1s', BACKUP_FIRST: 'true' } },
    )
    expect(run.green, run.printed.slice(-3000)).toBe(true)
    expect(run.outputs.get('deploy/bring')).toMatchObject({ outcome: 'deployed', serving: first })
    expect(run.printed).toMatch(/backup \S+ holds \d+ documents? and \d+ stud/)
    expect(run.printed).toContain(`${first} serves and is well, 3 times in a row.`)
    expect((await statusOf(staging)).serving?.release).toBe(first)
  })
})

describe('a runner that is lost after the hand-over', () => {
  /** Waits for the line of the server's journal that says that the new release is being started. */
  async function startsBeside(): Promise<string> {
    return waitFor(
      'the deploy to start the release',
      async () => {
        const transaction = (await statusOf(staging)).transaction
        if (transaction?.kind !== 'deploy') return undefined
        const events = await journalOf(staging, transaction.id)
        return events.some((event) => event.type === 'step' && event.step === 'staging') ? transaction.id : undefined
      },
      PATIENCE,
    )
  }

  /** The agent brings `release` to its end alone, and the counter saw no request lost. */
  async function expectSealedAlone(id: string, release: string, counter: Counter): Promise<void> {
    const { serving, last } = await atRest(staging)
    expect(last).toMatchObject({ transaction: id, result: { outcome: 'deployed', serving: serving?.release } })
    const { stdout } = await staging.exec(['pacs-agent', 'releases', '--json'])
    expect(stdout).toContain(`"id":"${serving?.release}","reference":"${release}"`)
    const steps = (await journalOf(staging, id)).flatMap((event: TransactionEvent) =>
      event.type === 'step' ? event.step : [],
    )
    expect(steps.slice(steps.indexOf('staging'))).toEqual(['staging', 'ready', 'preview', 'switched', 'watch', 'seal'])
    await waitFor('load on the new release', () => counter.sent > 2000, PATIENCE)
    const report = await counter.stop()
    expect(report.lost).toEqual([])
    expect(report.instances.size).toBe(2)
  }

  it('by a cancelled job leaves the deploy to the agent, which finishes it', async () => {
    await waitFor('the end of keep-warm', async () => (await statusOf(staging)).warm === null, PATIENCE)
    const counter = await count(site.lab, staging)
    const running = repository.bring(
      { environment: 'staging', release: releases.second },
      { vars: { KEEP_WARM: '1s' } },
    )
    const id = await startsBeside()
    await repository.cancel()
    const run = await running
    expect(run.green).toBe(false)
    expect(run.outputs.get('deploy/bring')?.outcome).toBe('')
    await expectSealedAlone(id, releases.second, counter)
  })

  it('by a power cut leaves the deploy to the agent, which finishes it', async () => {
    await waitFor('the end of keep-warm', async () => (await statusOf(staging)).warm === null, PATIENCE)
    const counter = await count(site.lab, staging)
    const running = repository.bring({ environment: 'staging', release: releases.first })
    const id = await startsBeside()
    await site.lab.runner.kill()
    expect((await running).green).toBe(false)
    await expectSealedAlone(id, releases.first, counter)
    await site.lab.runner.start()
  })
})
