import { chmod, mkdir, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runCli } from '../../../src/agent/cli/run.ts'
import { openSocket } from '../../../src/agent/client.ts'
import { type Layout, layout } from '../../../src/agent/layout.ts'
import { type Outcome, outcomeSchema } from '../../../src/agent/protocol.ts'
import { sealConfig } from '../../../src/agent/server/config.ts'
import { setup } from '../../../src/agent/setup/setup.ts'
import { exitClass, Failure, tryRun } from '../../../src/lib/index.ts'
import { type ListeningDaemon, listeningDaemon, replay, result, status, twoSteps } from './daemon-fixture.ts'

const release = `ghcr.io/org/pacs/release@sha256:${'a'.repeat(64)}`
const id = 'run-12345678'

let daemon: ListeningDaemon
let paths: Layout

beforeEach(async () => {
  daemon = await listeningDaemon()
  paths = layout(await mkdtemp(join(tmpdir(), 'pacs-cli-')))
})
afterEach(async () => {
  await daemon[Symbol.asyncDispose]()
  await rm(paths.root, { recursive: true, force: true })
})

async function pacsAgent(...args: string[]) {
  const out: string[] = []
  const err: string[] = []
  const code = await runCli(args, {
    print: (line) => void out.push(line),
    warn: (line) => void err.push(line),
    env: { SUDO_USER: 'ann', USER: 'root', EDITOR: 'true', PATH: process.env.PATH },
    paths,
    agent: openSocket(daemon.socket, { patience: 500 }),
    now: () => new Date('2026-11-24T10:15:00Z'),
  })
  return { code, out: out.join('\n'), err: err.join('\n') }
}

function ending(outcome: Outcome) {
  const last = { ...result, result: { outcome, message: 'so it ended', serving: null, previous: null } } as const
  daemon.service.transactions.set(id, (after) => replay([...twoSteps, last], after))
}

it('ends without a word when its reader has seen enough', async () => {
  // `true` has ended long before the first line is printed.
  const script = '"$0" src/agent/main.ts --help | true'
  const cwd = join(import.meta.dirname, '../../..')
  const { stderr } = await tryRun('sh', ['-c', script, process.execPath], { cwd, env: { PATH: '/usr/bin:/bin' } })
  expect(stderr).toBe('')
})

describe('pacs-agent backups', () => {
  const backup = (day: number, more = {}) => ({
    ...{ id: `2026112${day}t040000z-0000000${day}`, server: 'pacs01', startedAt: `2026-11-2${day}T04:00:00.000Z` },
    ...{ bytes: day * 1024 ** 3, whole: true, ...more },
  })

  it('shows newest first what each repository has of it', async () => {
    const first = { repository: 'first' as const, problem: null, backups: [backup(3), backup(2)] }
    const second = {
      ...{ repository: 'second' as const, problem: null },
      backups: [backup(2, { whole: false }), backup(1, { bytes: 1.26 * 1024 ** 3 })],
    }
    daemon.service.held = { repositories: [first, second] }
    expect(await pacsAgent('backups')).toEqual({
      code: exitClass.ok,
      out: [
        'BACKUP                     TAKEN              GIB  SERVER  FIRST  SECOND',
        '20261123t040000z-00000003  2026-11-23T04:00Z  3.0  pacs01  whole  -',
        '20261122t040000z-00000002  2026-11-22T04:00Z  2.0  pacs01  whole  parts lost',
        '20261121t040000z-00000001  2026-11-21T04:00Z  1.3  pacs01  -      whole',
      ].join('\n'),
      err: '',
    })
    expect(JSON.parse((await pacsAgent('backups', '--json')).out)).toEqual(daemon.service.held)
  })

  it('says which repository could not be read, and shows the other', async () => {
    daemon.service.held = {
      repositories: [
        { repository: 'first', problem: null, backups: [backup(3)] },
        { repository: 'second', problem: 'the repository sftp:away cannot be reached', backups: [] },
      ],
    }
    const { code, out, err } = await pacsAgent('backups')
    expect(code).toBe(exitClass.unreachable)
    expect(out).toMatch(/pacs01 {2}whole {2}unknown$/)
    expect(err).toBe('the second repository: the repository sftp:away cannot be reached')
  })
})

describe('pacs-agent', () => {
  it('has a set-up that says what it is for, and looks at nothing then', async () => {
    const out: string[] = []
    const print = (line: string) => void out.push(line)
    expect(await setup(['--help'], { paths, script: '/nonexistent', print })).toBe(0)
    expect(out[0]).toMatch(/^pacs-agent setup .*--check.*--undo/)
    expect(await pacsAgent('--help')).toMatchObject({ out: expect.stringMatching(/^ {2}setup +what/m) })
  })

  it('tells what there is', async () => {
    expect(await pacsAgent('--help')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/rollback.*goes back/),
      err: '',
    })
    expect(await pacsAgent()).toMatchObject({ code: 40, out: expect.stringMatching(/status/) })
    expect(await pacsAgent('deploy', '--help')).toMatchObject({ code: 0, out: expect.stringMatching(/--allow-core/) })
    const right = ['config show-names', 'restore plan', 'migrate undo', 'verify random', 'logs x', 'follow x', 'backup']
    for (const words of right) expect(await pacsAgent(...words.split(' '), '--help'), words).toMatchObject({ code: 0 })
    expect(await pacsAgent('version')).toMatchObject({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+$/) })
  })

  it.each([
    [['reboot'], /no "reboot"/],
    [['constructor'], /no "constructor"/],
    [['status', '--loud'], /--loud/],
    [['status', 'now'], /what is "now"/],
    [['status', '--json', '--json'], /^pacs-agent: bad-input: --json is given twice: say it once /],
    [['restore', 'run', '--collection', 'a', '--collection=b'], /--collection is given twice/],
    [
      ['verify', '--through', 'L4', '--newest-within', '24h', '--restore-within', '1h'],
      /--newest-within is judged at L5, and through is L4: .*; --restore-within is judged at L6/,
    ],
    [['verify', '--through', 'L5', '--restore-within', '1h'], /bad-input: --restore-within is judged at L6, and/],
    [['deploy'], /operand\(s\) missing/],
    [['deploy', 'ghcr.io/org/pacs/release:latest'], /no image by digest/],
    [['deploy', release, '--watch', 'long'], /--watch: "long" is no duration/],
    [['rollback'], /--reason is missing/],
    [['rollback', 'yesterday', '--reason', 'slow'], /no release id/],
    [['rollback', '--reason', 'slow', '--config', 'old'], /neither its-own nor current/],
    [['follow', '../x'], /no transaction id/],
    [['config', 'seal'], /edit, check or show-names/],
    [['config', 'seal', '--help'], /^pacs-agent: bad-input: what is "seal"\? \(pacs-agent config --help\)$/],
    [['restore', 'all', '--help'], /what is "all"\?/],
    [['status', 'now', '--help'], /what is "now"\?/],
    [['version', 'two', '--help'], /what is "two"\?/],
    [['migrate', release, '--phase', 'all'], /none of expand, data, contract/],
    [['migrate', 'mark', '001_x', '--reason', 'looked at every one'], /operand\(s\) missing/],
    [['migrate', 'mark', '001_x', 'done', '--reason', 'looked at every one'], /"done" is neither applied nor pending/],
    [['migrate', 'mark', '001_x', 'applied', '--reason', 'short'], /at least 10 characters how you found out/],
    [['migrate', 'undo', '--reason', 'bad'], /--to is missing: name the last migration that stays, or nothing/],
    [['migrate', 'undo', '--to', '001_x'], /--reason is missing/],
    [['migrate', 'undo', '--to', '001_x', '--reason', 'bad', '--release', 'v1'], /no release id/],
    [['migrate', 'undo', '--to', '1', '--reason', 'x', '--keep', 'a', '--restore', 'a'], /cannot both be/],
    [['migrate', 'undo', '--to', '1', '--reason', 'x', '--keep', 'reports r7'], /"reports r7" is neither a collection/],
  ])('says in one line what is wrong with %j', async (args, message) => {
    const { code, err } = await pacsAgent(...args)
    expect(code).toBe(exitClass['bad-input'])
    expect(err).toMatch(message)
    expect(err).not.toContain('\n')
    expect(daemon.service.submitted).toEqual([])
  })

  it('shows the status for people and for programs', async () => {
    expect((await pacsAgent('status')).out).toMatch(/serving {2}nothing/)
    expect(JSON.parse((await pacsAgent('status', '--json')).out)).toEqual(status)
  })

  it('shows a failure that nothing made good, once', async () => {
    const of = (transaction: string, outcome: 'failed' | 'done') => ({
      transaction,
      result: { outcome, message: `so ${transaction} ended`, serving: null, previous: null },
    })
    const failed = of('deploy-1', 'failed')
    daemon.service.status = async () => ({ ...status, last: of('backup-2', 'done'), failed })
    expect((await pacsAgent('status')).out).toMatch(
      /failed {3}deploy-1, and nothing made it good since: so deploy-1 ended/,
    )
    daemon.service.status = async () => ({ ...status, last: failed, failed })
    expect((await pacsAgent('status')).out.match(/deploy-1 ended/g)).toHaveLength(1)
  })

  it('exits 11 when what serves is not healthy', async () => {
    expect(await pacsAgent('health')).toMatchObject({ code: 0, out: expect.stringMatching(/^STATE[\s\S]*healthy$/) })
    daemon.service.health = async () => ({
      healthy: false,
      checks: [{ name: 'front', critical: true, ok: false, detail: '503', ms: 2 }],
    })
    expect(await pacsAgent('health')).toMatchObject({
      code: 11,
      out: expect.stringMatching(/FAILED {2}front[\s\S]*unhealthy$/),
    })
  })

  const deploy = { kind: 'deploy', release, watch: 5000, hold: 300_000, keepWarm: 60_000, actor: 'ann' }
  const verb = ['deploy', release, '--allow-core', '--watch', '5s', '--keep-warm', '1m'] as const

  it('brings the app of a release, and follows that', async () => {
    const { code, out } = await pacsAgent(...verb)
    expect(code).toBe(0)
    expect(daemon.service.submitted).toMatchObject([{ request: deploy, key: 'console' }])
    expect(out).toMatch(/10:15:01 preflight: looking\n10:15:02 all fits\n10:15:03 deployed: serves/)
  })

  it('brings the core of a release where that comes first, and then the app', async () => {
    daemon.service.coreFirst = true
    expect(await pacsAgent(...verb)).toMatchObject({ code: 0, out: expect.stringMatching(/deployed: serves$/) })
    expect(daemon.service.submitted.map(({ request }) => request)).toMatchObject([
      deploy,
      { kind: 'core', release, allowCore: true, actor: 'ann' },
      deploy,
    ])
  })

  it('asks for nothing more when the deploy is refused', async () => {
    daemon.service.troubles.push(new Failure('refused', 'traefik differs: --allow-core'))
    expect(await pacsAgent('deploy', release)).toMatchObject({
      code: 10,
      err: expect.stringMatching(/refused: traefik differs/),
    })
    expect(daemon.service.submitted).toEqual([])
  })

  it('asks once more for a proof that the end of the agent interrupted, and takes that for its answer', async () => {
    daemon.service.interruptions = 1
    expect(await pacsAgent('verify')).toMatchObject({ code: 0, out: expect.stringMatching(/deployed: serves$/) })
    daemon.service.interruptions = 2
    expect(await pacsAgent('verify')).toMatchObject({ code: 10, out: expect.stringMatching(/refused: interrupted$/) })
    expect(daemon.service.submitted).toHaveLength(4)
  })

  it('goes back for a reason', async () => {
    await pacsAgent('rollback', '20261124t101500z-abc1234def01', '--reason', 'slow', '--config', 'current')
    expect(daemon.service.submitted[0]?.request).toMatchObject({
      kind: 'rollback',
      to: '20261124t101500z-abc1234def01',
      reason: 'slow',
      config: 'current',
    })
  })

  it.each(outcomeSchema.options)('exits with the class of the outcome %s', async (outcome) => {
    ending(outcome)
    const green = ['deployed', 'unchanged', 'done'].includes(outcome)
    const { code, out } = await pacsAgent('follow', id)
    expect(code === 0).toBe(green)
    expect(out).toMatch(new RegExp(`${outcome}: so it ended$`))
  })

  it('exits 60 when no result was seen', async () => {
    daemon.service.transactions.set(id, (after) => replay(twoSteps, after))
    expect(await pacsAgent('follow', id)).toMatchObject({
      code: 60,
      err: expect.stringMatching(/no result of run-12345678/),
    })
  })

  it('exits 30 with the holder, and 50 without a daemon', async () => {
    daemon.service.troubles.push(new Failure('locked', 'deploy of bob runs since 10:00'))
    expect(await pacsAgent('rollback', '--reason', 'slow')).toMatchObject({
      code: 30,
      err: expect.stringMatching(/locked: deploy of bob/),
    })
    await daemon.stop()
    expect(await pacsAgent('status')).toMatchObject({
      code: 50,
      err: expect.stringMatching(/systemctl status pacs-agent/),
    })
  })

  it('prints events as JSON lines for programs', async () => {
    ending('done')
    const { out } = await pacsAgent('follow', id, '--json')
    expect(out.split('\n').map((line) => JSON.parse(line).seq)).toEqual([1, 2, 3])
  })

  it('aborts', async () => {
    ending('rolled-back')
    expect(await pacsAgent('abort', id)).toMatchObject({ code: 0, out: expect.stringMatching(/undoes itself/) })
    expect(daemon.service.aborted).toEqual([id])
  })

  it('lists the journal without a running agent', async () => {
    await daemon.stop()
    await mkdir(paths.journal, { recursive: true })
    const lines = [...twoSteps, result].map((event) => JSON.stringify(event))
    await writeFile(join(paths.journal, 'deploy-1.jsonl'), `${lines.join('\n')}\n`)
    await writeFile(join(paths.journal, 'deploy-2.jsonl'), `${lines[0]}\n{"seq":2,"torn`)
    const { out } = await pacsAgent('logs')
    expect(out).toMatch(/deploy-1 +deployed +serves/)
    expect(out).toMatch(/deploy-2 +open/)
    expect((await pacsAgent('logs', 'deploy-1')).out.split('\n')).toHaveLength(3)
    expect(await pacsAgent('logs', 'deploy-9')).toMatchObject({ code: 40 })
  })
})

describe('pacs-agent config', () => {
  beforeEach(() => mkdir(paths.configNext, { recursive: true }))

  it('makes a file that only the agent may read, and opens the editor on it', async () => {
    const { code, out } = await pacsAgent('config', 'edit')
    expect(code).toBe(0)
    expect(out).toMatch(/\.env is new[\s\S]*no release has come to this server yet/)
    expect((await stat(join(paths.configNext, '.env'))).mode & 0o777).toBe(0o600)
  })

  it('lists names and never a value', async () => {
    await writeFile(
      join(paths.configNext, '.env'),
      '\uFEFFEMPTY= \nPACS_PUBLIC_HOST=pacs.example\nDB_PASSWORD="s3cret value"\n',
    )
    const { out } = await pacsAgent('config', 'show-names')
    expect(out).toBe('DB_PASSWORD\nEMPTY (empty)\nPACS_PUBLIC_HOST')
  })

  it('refuses a link, which no deploy would take along', async () => {
    await writeFile(join(paths.configNext, '.env'), "PACS_PUBLIC_HOST='pacs.hospital.org'\n")
    await mkdir(join(paths.configNext, 'certs'))
    const link = join(paths.configNext, 'certs/tls.crt')
    await symlink('/etc/ssl/pki/tls.crt', link)
    const err = expect.stringContaining(`${link} is a link: a deploy takes a copy, so put the file itself there`)
    expect(await pacsAgent('config', 'check')).toMatchObject({ code: 40, err })
    await expect(sealConfig(paths)).rejects.toMatchObject({ kind: 'bad-input' })
  })

  it('names a store of ACME that others can read, with what Traefik makes of it', async () => {
    await writeFile(join(paths.configNext, '.env'), "PACS_PUBLIC_HOST='pacs.hospital.org'\n")
    const store = join(paths.root, 'acme/acme.json')
    await mkdir(join(paths.root, 'acme'))
    await writeFile(store, '{}', { mode: 0o600 })
    expect(await pacsAgent('config', 'check')).toMatchObject({ code: 0 })
    await chmod(store, 0o644)
    expect(await pacsAgent('config', 'check')).toMatchObject({
      code: 40,
      err: expect.stringContaining(`${store} can be read by others (mode 644), so Traefik uses no certificate in it`),
    })
  })

  it('asks for a file where there is none', async () => {
    expect(await pacsAgent('config', 'check')).toMatchObject({
      code: 40,
      err: expect.stringMatching(/pacs-agent config edit/),
    })
    expect(await pacsAgent('config', 'show-names')).toMatchObject({
      code: 40,
      err: expect.stringMatching(/pacs-agent config edit/),
    })
  })
})

describe('pacs-agent restore', () => {
  it.each([
    [['restore', 'plan'], /say what to restore by one of/],
    [['restore', 'plan', '--database', '--collection', 'x'], /say what to restore by one of/],
    [['restore', 'undo', '--database'], /"undo" is neither plan nor run/],
    [['restore', 'run', 'random', '--database'], /backup: is neither newest nor the id of a backup/],
    [['restore', 'run', '--study', '1.2'], /--into is missing/],
    [['restore', 'run', '--database', '--into', '/x'], /--into goes with --study and --everything/],
    [['restore', 'plan', '--collection', 'x', '--into', '/x'], /--into goes with --study and --everything/],
    [['restore', 'run', '--study', 'abc', '--into', 'here'], /no StudyInstanceUID; .*must be an absolute path/],
    [['restore', 'plan', '--database', '--repository', 'third'], /"third" is neither first nor second/],
    [['restore', 'plan', '--database', '--to', 'yesterday'], /--to: "yesterday" is no second of UTC like 2026-/],
    [['restore', 'plan', '--database', '--to', '2026-13-28T10:15:00Z'], /is no second of UTC/],
    [['restore', 'plan', '--collection', 'x', '--to', '2026-11-28T10:15:00Z'], /--to goes with --database/],
    [['verify', 'yesterday'], /neither newest, random nor the id of a backup/],
    [['verify', '--repository', 'third'], /"third" is neither first nor second/],
    [['migrate', release, '--phase', 'later'], /"later" is none of expand, data, contract/],
  ])('refuses %j in one line, before anything is asked of the server', async (args, said) => {
    expect(await pacsAgent(...args)).toMatchObject({ code: 40, err: expect.stringMatching(said) })
    expect(daemon.service.submitted).toEqual([])
  })
})

describe('the scripts beside the migrations', () => {
  const folder = join(import.meta.dirname, '../../../deployment/production/migrations')

  /** Runs a script with `commands` as the only other programs; gives the arguments that it hands to pacs-agent. */
  async function script(name: string, args: readonly string[], withAgent = true) {
    const bin = join(paths.root, `bin-${name}`)
    await mkdir(bin, { recursive: true })
    await symlink('/bin/cat', join(bin, 'cat')).catch(() => undefined)
    if (withAgent) await writeFile(join(bin, 'pacs-agent'), `#!/bin/sh\nprintf '%s\\n' "$@"\n`, { mode: 0o755 })
    const { code, stdout, stderr } = await tryRun('/bin/sh', [join(folder, name), ...args], { env: { PATH: bin } })
    return { code, stderr, args: stdout === '' ? [] : stdout.trimEnd().split('\n') }
  }

  it('ask for the same as the verbs of pacs-agent', async () => {
    const migrated = await script('migrate.sh', [release, '--phase', 'contract', '--reason', 'a month of peace'])
    expect(await pacsAgent(...migrated.args)).toMatchObject({ code: 0 })
    const kept = ['--keep', 'reports "r7"', '--restore', 'exports', '--release', '20261124t101500z-abc1234def01']
    const undone = await script('rollback.sh', ['001_create_collections', '--reason', 'wrong counts', ...kept])
    expect(await pacsAgent(...undone.args)).toMatchObject({ code: 0 })
    const nothing = await script('rollback.sh', ['nothing', '--reason', 'wrong counts'])
    expect(await pacsAgent(...nothing.args)).toMatchObject({ code: 0 })
    expect(daemon.service.submitted.map(({ request }) => request)).toMatchObject([
      { kind: 'migrate', release, phase: 'contract', reason: 'a month of peace', plan: false, actor: 'ann' },
      {
        ...{ kind: 'undo', to: '001_create_collections', of: '20261124t101500z-abc1234def01', actor: 'ann' },
        ...{ reason: 'wrong counts', keep: ['reports "r7"'], restore: ['exports'] },
      },
      { kind: 'undo', to: null, keep: [], restore: [] },
    ])
  })

  it.each([
    ['migrate.sh', [], 40, 'usage: migrate.sh RELEASE'],
    ['migrate.sh', ['v1.2'], 40, 'v1.2 is no release by digest'],
    ['rollback.sh', [], 40, 'usage: rollback.sh ID'],
    ['rollback.sh', ['--to', '001_x'], 40, '--to is no migration: name one like 001_create_collections'],
  ])('%s %j is refused before pacs-agent is asked', async (name, args, code, message) => {
    expect(await script(name, args)).toMatchObject({ code, args: [], stderr: expect.stringContaining(message) })
  })

  it('say what is missing where there is no agent', async () => {
    const absent = { code: 50, stderr: expect.stringContaining('there is no pacs-agent here: run setup-production.sh') }
    expect(await script('migrate.sh', [release], false)).toMatchObject(absent)
    expect(await script('rollback.sh', ['nothing'], false)).toMatchObject(absent)
  })
})
