// How long it takes from asking for a new version to its first answer at the public entry, and what is lost meanwhile.
import { setTimeout as sleep } from 'node:timers/promises'
import { type Machine, type Progress, waitFor } from '../lab/index.ts'
import { Counter, type CounterReport } from '../load/counter.ts'
import { agent, resultOf } from '../site/server.ts'
import { atRest, journalOf } from '../site/transactions.ts'
import { type Entry, firstAnswerOf } from './observer.ts'
import { type Measure, medianOf, worstOf } from './report.ts'
import { type BenchSite, composeUp, startBenchSite, type Version } from './site.ts'

/** One deploy of one side. */
interface Deploy {
  /** Milliseconds from asking to the first answer of the new version, and to the end of the command. */
  seen: number
  returned: number
  load: CounterReport
}

/** Runs all measures of a deploy on one server. */
export async function benchDeploy(rounds: number, progress: Progress): Promise<Measure[]> {
  await using site = await startBenchSite(progress)
  const ours: Deploy[] = []
  const plain: Deploy[] = []
  for (let round = 1; round <= rounds; round++) {
    const version = site.versions[round % 2 === 0 ? 0 : 1]
    const sides = [
      () => progress.step(`round ${round}: pacs-agent`, async () => ours.push(await deployOurs(site, version))),
      () => progress.step(`round ${round}: plain Compose`, async () => plain.push(await deployPlain(site, version))),
    ]
    for (const side of round % 2 === 0 ? sides.toReversed() : sides) await side()
  }
  const steps = await stepsOfLastDeploy(site.server)
  progress.line(`steps of the last deploy: ${steps}`)
  return [
    ...compare(ours, plain),
    ...(await progress.step('rollbacks', () => rollbacks(site, rounds))),
    await progress.step('unchanged', () => unchanged(site, rounds)),
    ...(await memory(site.server)),
  ]
}

async function deployOurs({ server, entries }: BenchSite, { commit, release }: Version): Promise<Deploy> {
  return underLoad(
    entries.ours,
    commit,
    async () =>
      expectOutcome(
        await agent(server, ['deploy', release, '--watch', '0s', '--keep-warm', '0s', '--json']),
        'deployed',
      ),
    // The old instance is stopped after the seal: what that loses counts too.
    async () => {
      await waitFor('the old instance to be gone', async () => (await atRest(server)).warm === null, 60_000)
    },
  )
}

function deployPlain({ server, entries }: BenchSite, version: Version): Promise<Deploy> {
  return underLoad(entries.plain, version.commit, () => composeUp(server, version))
}

async function underLoad(
  entry: Entry,
  commit: string,
  deploy: () => Promise<void>,
  settle: () => Promise<void> = async () => undefined,
): Promise<Deploy> {
  const counter = new Counter({ ...entry, api: ['/api/version'], connections: 16 })
  await waitFor('load', () => counter.sent >= 200, 30_000)
  const started = performance.now()
  const [seen, returned] = await Promise.all([firstAnswerOf(entry, commit), deploy().then(() => performance.now())])
  await settle()
  return { seen: seen - started, returned: returned - started, load: await counter.stop() }
}

function compare(ours: readonly Deploy[], plain: readonly Deploy[]): Measure[] {
  const seen = (deploys: readonly Deploy[]) => deploys.map((deploy) => deploy.seen)
  const lost = (deploys: readonly Deploy[]) => deploys.map(({ load }) => load.lost.length)
  const sent = (deploys: readonly Deploy[]) => deploys.map(({ load }) => load.sent)
  const gap = (deploys: readonly Deploy[]) => deploys.map(({ load }) => load.longestGap)
  const mine = medianOf('new version seen, pacs-agent', 'ms', null, seen(ours))
  const theirs = medianOf('new version seen, docker compose up --wait', 'ms', null, seen(plain))
  return [
    mine,
    theirs,
    medianOf('ratio of the medians', 'x', 1.3, [mine.value / theirs.value]),
    medianOf(
      'command returned, pacs-agent',
      'ms',
      null,
      ours.map((deploy) => deploy.returned),
    ),
    medianOf(
      'command returned, docker compose up --wait',
      'ms',
      null,
      plain.map((deploy) => deploy.returned),
    ),
    worstOf('failed requests, pacs-agent', 'requests', 0, lost(ours)),
    worstOf('failed requests, docker compose up --wait', 'requests', null, lost(plain)),
    medianOf('requests sent, pacs-agent', 'requests', null, sent(ours)),
    medianOf('requests sent, docker compose up --wait', 'requests', null, sent(plain)),
    worstOf('longest gap, pacs-agent', 'ms', null, gap(ours)),
    worstOf('longest gap, docker compose up --wait', 'ms', null, gap(plain)),
  ]
}

/** Goes back and forth between two instances of which one serves and one is warm. */
async function rollbacks({ server, job, versions, entries, sshKey }: BenchSite, rounds: number): Promise<Measure[]> {
  const { serving } = await atRest(server)
  if (!serving) throw new Error('nothing serves')
  const other = versions[rounds % 2 === 0 ? 1 : 0]
  expectOutcome(
    await agent(server, ['deploy', other.release, '--watch', '0s', '--keep-warm', '1h', '--json']),
    'deployed',
  )
  const inAgent: number[] = []
  const atConsole: number[] = []
  const counter = new Counter({ ...entries.ours, api: ['/api/version'], connections: 16 })
  for (let round = 1; round <= rounds; round++) {
    const started = performance.now()
    const command = ['rollback', '--reason', 'bench', '--watch', '0s', '--keep-warm', '1h', '--json']
    expectOutcome(await agent(server, command), 'deployed')
    atConsole.push(performance.now() - started)
    inAgent.push(await lastTransactionTook(server))
  }
  const throughAction: number[] = []
  for (let round = 1; round <= rounds; round++) {
    const inputs = {
      ...{ release: '', reason: 'bench', environment: 'production', 'environments-file': 'environments.yml' },
      ...{ 'ssh-key': sshKey, config: 'its-own', watch: '0s', hold: '0s', 'keep-warm': '1h' },
      ...{ 'registry-username': '', 'registry-password': '' },
    }
    const { ms, outputs } = await job.run('rollback', inputs, versions[0].commit)
    if (outputs.direction !== 'back') throw new Error(`the action says ${JSON.stringify(outputs)}`)
    throughAction.push(ms)
  }
  const { lost } = await counter.stop()
  return [
    medianOf('rollback to warm, in the agent', 'ms', 300, inAgent),
    medianOf('rollback to warm, at the console', 'ms', null, atConsole),
    medianOf('rollback to warm, through the action', 'ms', 1000, throughAction),
    worstOf('failed requests during rollbacks', 'requests', 0, [lost.length]),
  ]
}

async function unchanged({ server, versions }: BenchSite, rounds: number): Promise<Measure> {
  const commit = (await atRest(server)).serving?.release ?? ''
  const version = versions.find((one) => commit.endsWith(one.commit.slice(0, 12)))
  if (!version) throw new Error(`what serves, ${commit}, is of no known commit`)
  const figures: number[] = []
  for (let round = 1; round <= rounds; round++) {
    const started = performance.now()
    expectOutcome(await agent(server, ['deploy', version.release, '--json']), 'unchanged')
    figures.push(performance.now() - started)
  }
  return medianOf('deploy of what serves (unchanged), at the console', 'ms', 1500, figures)
}

/** The daemon's memory after all of this, in MB (10^6 bytes), now and at its highest. */
async function memory(server: Machine): Promise<Measure[]> {
  // What is measured is a server at rest, whose deploys are over.
  await sleep(1000)
  const pid = (await server.run(['systemctl', 'show', '-p', 'MainPID', '--value', 'pacs-agent'])).trim()
  const status = await server.readText(`/proc/${pid}/status`)
  const megabytes = (field: string) => {
    const match = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)
    if (!match) throw new Error(`/proc/${pid}/status has no ${field}`)
    return (Number(match[1]) * 1024) / 1e6
  }
  return [
    worstOf("the agent's resident memory", 'MB', 120, [megabytes('VmRSS')]),
    worstOf("the agent's resident memory, at its highest", 'MB', null, [megabytes('VmHWM')]),
  ]
}

/** Milliseconds from the first to the last event of a transaction, by the journal. */
async function lastTransactionTook(server: Machine): Promise<number> {
  const events = await lastJournal(server)
  const [first, last] = [events.at(0), events.at(-1)]
  if (!first || last?.type !== 'result') throw new Error('the journal has no result')
  return Date.parse(last.at) - Date.parse(first.at)
}

/** Where the time of the last deploy went: milliseconds from its first event to each step. */
async function stepsOfLastDeploy(server: Machine): Promise<string> {
  const events = await lastJournal(server)
  const start = Date.parse(events[0]?.at ?? '')
  const name = (event: (typeof events)[number]) => (event.type === 'step' ? event.step : event.type)
  return events.map((event) => `${name(event)} ${Date.parse(event.at) - start}`).join(', ')
}

async function lastJournal(server: Machine) {
  const { last } = await atRest(server)
  return journalOf(server, last?.transaction ?? '')
}

function expectOutcome(run: Parameters<typeof resultOf>[0], wanted: string): void {
  const { outcome, message } = resultOf(run)
  if (outcome !== wanted) throw new Error(`${outcome} instead of ${wanted}: ${message}`)
}
