// The stages of the demo. Each does what a person or the world would do, then says what it saw against what it had expected.
import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { sendImage } from '../dicom/send.ts'
import { syntheticImage } from '../dicom/synthetic-image.ts'
import { waitFor } from '../lab/index.ts'
import { JOBS, startBesideAgent, targetsOf } from '../monitoring/beside-agent.ts'
import { answers, messages, valuesOf } from '../monitoring/site.ts'
import { configure, productionConfig, setUp } from '../site/server.ts'
import { ask } from '../site/transactions.ts'
import type { RunOptions, WorkflowRun } from '../site/user-repository.ts'
import { logIn, visit } from '../stack/visit.ts'
import { Expectations, type Scene, type Sight } from './scene.ts'
import { isUntouched, journalOf, type Observation, observe, SERVERS, type Site, statusOfBoth } from './site.ts'
import { type Announcement, tallyOf } from './tally.ts'

export interface Stage {
  title: string
  play: (site: Site, options: RunOptions) => Promise<Scene>
}

const IMAGE = syntheticImage('DEMO^PATIENT', 'DEMO-1')
/** What release 2 brings to the database, which holds data by then: a backup comes first. */
const MIGRATION = '003_reports_by_author'
/** Two rounds of Prometheus, on a busy machine. */
const SCRAPE_LIMIT = 60_000
const DRAWING = `/api/studies/${IMAGE.studyInstanceUid}/rendered`
const studies = z.object({ studies: z.array(z.object({ studyInstanceUid: z.string() })) })

export const stages: readonly Stage[] = [
  { title: 'set up the servers', play: setUpServers },
  { title: 'release 1', play: firstRelease },
  { title: 'an image arrives', play: studyArrives },
  { title: 'monitoring beside it', play: startMonitoring },
  { title: 'release 2', play: secondRelease },
  { title: 'release 3: never ready', play: neverReady },
  { title: 'release 4: 500 in public', play: failsInPublic },
  { title: 'backup, restored', play: proofOfRestore },
  { title: 'rollback by dispatch', play: rollback },
  { title: 'seen by the monitoring', play: seenByMonitoring },
]

/** setup-production.sh and the configuration, as a person does both at the server's console. */
async function setUpServers(site: Site): Promise<Scene> {
  const key = (await readFile(`${site.lab.sshKey}.pub`, 'utf8')).trim()
  await Promise.all(
    SERVERS.map(async (name) => {
      await setUp(site[name], key)
      await configure(site[name], await productionConfig(site.lab, site[name]))
    }),
  )
  const status = await statusOfBoth(site)
  const expected = new Expectations()
  for (const name of SERVERS) expected.that(status[name].serving === null, `${name}: something serves already`)
  return { sights: SERVERS.map((server) => ({ server, outcome: 'agent runs' })), unmet: expected.unmet }
}

async function firstRelease(site: Site, options: RunOptions): Promise<Scene> {
  const run = await site.repository.push(options)
  const after = await statusOfBoth(site)
  const expected = new Expectations()
  expectGreen(run, expected)
  expected.that(after.production.serving !== null, 'production: nothing serves')
  expected.that(
    after.staging.serving?.content === after.production.serving?.content,
    'staging and production serve different contents',
  )
  const sights = SERVERS.map((server) => ({ server, outcome: after[server].last?.result.outcome ?? 'nothing' }))
  return { sights, unmet: expected.unmet }
}

/** A modality sends an image to production; a person opens the page, logs in, finds its study and looks at it. */
async function studyArrives({ lab, production }: Site): Promise<Scene> {
  await sendImage(IMAGE, { host: '127.0.0.1', port: production.port(4242), called: 'PACS', calling: 'CT1' })
  const expected = new Expectations()
  const page = await visit(lab, production, '/')
  expected.that(page.status === 200 && page.body.includes('<div id="root">'), `the page answers ${page.status}`)
  const session = await logIn(lab, production)
  const found = await visit(lab, production, '/api/studies/search', { body: { patientName: 'demo' }, session })
  const list = found.status === 200 ? studies.parse(JSON.parse(found.body.toString())).studies : []
  expected.that(
    list.some((study) => study.studyInstanceUid === IMAGE.studyInstanceUid),
    `the study is not in the worklist, which answers ${found.status}`,
  )
  const drawn = await visit(lab, production, DRAWING, { session })
  expected.that(
    drawn.status === 200 && drawn.headers['content-type'] === 'image/jpeg',
    `the image of the study answers ${drawn.status}`,
  )
  return { sights: [{ server: 'production', outcome: 'study seen in the page' }], unmet: expected.unmet }
}

/** As a person does after docs/monitoring.md; it watches all that comes. */
async function startMonitoring({ production }: Site): Promise<Scene> {
  await startBesideAgent(production)
  return { sights: [{ server: 'production', outcome: 'Prometheus and Alertmanager run' }], unmet: [] }
}

async function secondRelease(site: Site, options: RunOptions): Promise<Scene> {
  await site.repository.release('version-2.patch')
  await site.repository.addMigration(`${MIGRATION}.js`)
  const seen = await observe(site, SERVERS, DRAWING, push(site), options)
  const expected = new Expectations()
  expectGreen(seen.run, expected)
  const applied = seen.run.printed.split(`${MIGRATION} is applied`).length - 1
  expected.that(applied === SERVERS.length, `${MIGRATION} was applied ${applied} times, not once on each server`)
  for (const server of SERVERS) {
    const { serving, warm } = seen.after[server]
    const first = seen.before[server].serving
    expected.that(serving !== null && serving.release !== first?.release, `${server}: release 1 still serves`)
    expected.that(warm?.release === first?.release, `${server}: release 1 is not kept warm`)
    expectOneMove(seen, server, expected)
  }
  return sceneOf(seen, expected)
}

async function neverReady(site: Site, options: RunOptions): Promise<Scene> {
  await site.repository.release('never-ready.patch')
  const seen = await observe(site, ['staging'], DRAWING, push(site), options)
  const expected = new Expectations()
  expectUndoneOnStaging(seen, expected)
  const answering = seen.counted.get('staging')?.instances.size
  expected.that(answering === 1, `staging: ${answering} releases answered, not release 2 alone`)
  return sceneOf(seen, expected)
}

async function failsInPublic(site: Site, options: RunOptions): Promise<Scene> {
  await site.repository.release('public-500.patch')
  const seen = await observe(site, ['staging'], DRAWING, push(site), options)
  const expected = new Expectations()
  expectUndoneOnStaging(seen, expected)
  const { last } = seen.after.staging
  const journal = last === null ? [] : await journalOf(site.staging, last.transaction)
  const switched = journal.find((event) => event.type === 'step' && event.step === 'switched')
  const ended = journal.find((event) => event.type === 'result')
  expected.that(switched !== undefined, 'staging: release 4 never got the traffic')
  const announcement = switched && ended && { from: Date.parse(switched.at), to: Date.parse(ended.at) }
  const scene = sceneOf(seen, expected, announcement)
  const announced = scene.sights.flatMap(({ tally }) => tally?.announced ?? [])
  expected.that(announced.length > 0, 'staging: nobody met a 500 of release 4')
  expected.that(new Set(announced.map(({ instance }) => instance)).size <= 1, 'staging: more than one release failed')
  return scene
}

async function rollback(site: Site, options: RunOptions): Promise<Scene> {
  const inputs = { environment: 'production', reason: 'the worklist looks wrong' }
  const seen = await observe(site, ['production'], DRAWING, (heard) => site.repository.rollback(inputs, heard), options)
  const { before, after } = seen
  const expected = new Expectations()
  expectGreen(seen.run, expected)
  const previous = before.production.warm?.release
  expected.that(after.production.serving?.release === previous, `production: not release 1 (${previous}) serves`)
  expected.that(after.production.last?.result.direction === 'back', 'production: the agent calls it no way back')
  expectOneMove(seen, 'production', expected)
  return sceneOf(seen, expected)
}

/** A backup of production as its timer takes it, and the proof that it restores. */
async function proofOfRestore({ production }: Site): Promise<Scene> {
  const expected = new Expectations()
  const taken = await ask(production, ['backup'])
  expected.that(taken.result?.outcome === 'done', `the backup: ${taken.result?.message ?? taken.stderr}`)
  const [, id = '', held = ''] = /^backup (\S+) (holds .+)$/.exec(taken.result?.message ?? '') ?? []
  expected.that(/ 1 study$/.test(held), `the backup ${held}, not the one study that arrived`)
  const proved = await ask(production, ['verify', id])
  expected.that(proved.result?.outcome === 'done', `the proof: ${proved.result?.message ?? proved.stderr}`)
  return { sights: [{ server: 'production', outcome: `${held}; restored` }], unmet: expected.unmet }
}

/** Every part is scraped, both releases and the proof were seen, and no alarm but the watchdog, which was heard of. */
async function seenByMonitoring({ production }: Site): Promise<Scene> {
  const expected = new Expectations()
  const targets = await targetsOf(production)
  const jobs = [...new Set(targets.map(({ labels }) => labels.job))].toSorted()
  expected.that(jobs.join() === JOBS.join(), `Prometheus scrapes ${jobs.join(', ')}`)
  for (const { labels, health, lastError } of targets)
    expected.that(health === 'up', `${labels.job} is ${health}: ${lastError}`)
  const releases = await valuesOf(production, 'count_over_time(pacs_build_info[1h])', 'commit')
  expected.that(releases.length === 2, `Prometheus saw the commits ${releases.join(', ') || 'of nothing'}`)
  const proved = await waitFor(
    'the proof to be scraped',
    async () => (await answers(production, 'pacs_backup_verified == 1')) > 0,
    SCRAPE_LIMIT,
  ).catch(() => false)
  expected.that(proved, 'Prometheus saw no proof of restore')
  const alarms = await valuesOf(production, 'ALERTS{alertstate="firing"}', 'alertname')
  expected.that(alarms.join() === 'Watchdog', `alarms: ${alarms.join(', ') || 'not even the watchdog'}`)
  const heard = new Set((await messages(production)).map(({ to }) => to))
  expected.that([...heard].join() === '/watchdog', `Alertmanager spoke to ${[...heard].join(', ') || 'nobody'}`)
  return {
    sights: [{ server: 'production', outcome: `${targets.length} parts, 2 releases, the proof; no alarm` }],
    unmet: expected.unmet,
  }
}

function push({ repository }: Site): (options: RunOptions) => Promise<WorkflowRun> {
  return (options) => repository.push(options)
}

function expectGreen(run: WorkflowRun, expected: Expectations): void {
  expected.that(run.green, `the workflow is red; ${lastWordsOf(run)}`)
}

function lastWordsOf({ printed }: WorkflowRun): string {
  return `the last words of the workflow:\n${printed.slice(-2000)}`
}

/** All connections went from one release to the other one, and none came back. */
function expectOneMove(seen: Observation, server: (typeof SERVERS)[number], expected: Expectations): void {
  const counted = seen.counted.get(server)
  const answering = counted?.instances.size
  expected.that(answering === 2, `${server}: ${answering} releases answered, not the old and the new one`)
  const destinations = new Set(counted?.moves.map(({ to }) => to))
  expected.that(destinations.size === 1, `${server}: connections moved to ${[...destinations].join(', ') || 'nothing'}`)
}

/** Staging went back by itself, the workflow is red, and production never heard of the release. */
function expectUndoneOnStaging(seen: Observation, expected: Expectations): void {
  const { before, after, run } = seen
  expected.that(!run.green, 'the workflow is green')
  const outcome = isUntouched(seen, 'staging') ? 'untouched' : after.staging.last?.result.outcome
  expected.that(outcome === 'rolled-back', `staging: ${outcome}, not rolled-back; ${lastWordsOf(run)}`)
  expected.that(after.staging.serving?.instance === before.staging.serving?.instance, 'staging: another release serves')
  expected.that(isUntouched(seen, 'production'), 'production: the release got there')
}

function sceneOf(seen: Observation, expected: Expectations, announcement?: Announcement): Scene {
  const sights = SERVERS.map((server): Sight => {
    const { outcome, direction } = seen.after[server].last?.result ?? {}
    const said = direction === 'back' ? `${outcome}, back` : (outcome ?? 'nothing')
    const sight = { server, outcome: isUntouched(seen, server) ? 'untouched' : said }
    const counted = seen.counted.get(server)
    if (counted === undefined) return sight
    const tally = tallyOf(counted, announcement)
    expected.that(tally.failed.length === 0, `${server}: ${tally.failed.length} requests were lost`)
    return { ...sight, tally }
  })
  return { sights, unmet: expected.unmet }
}
