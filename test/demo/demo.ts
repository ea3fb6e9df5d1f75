// `npm run demo`: a small PACS goes from source to two servers by the workflows that a user copies, under load; what is broken is
// undone. Exit 0 only if every expected outcome was seen.
import { randomBytes } from 'node:crypto'
import { parseArgs } from 'node:util'
import { messageOf } from '../../src/lib/index.ts'
import { type Lab, LabError, Progress, removeLab, startLab } from '../lab/index.ts'
import { UserRepository } from '../site/user-repository.ts'
import { narrate } from './narration.ts'
import { addressesOf, complaintsOf, endOf, type Played, tableOf } from './report.ts'
import { stages } from './stages.ts'

const USAGE = 'usage: npm run demo [-- --keep]   (--keep leaves the servers up, to look at)'
/** 128 + SIGINT. */
const INTERRUPTED = 130

const started = performance.now()
const progress = new Progress(undefined, 'demo')
const name = `demo-${randomBytes(3).toString('hex')}`
const keep = readArguments()
const interruption = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupt)

try {
  await main()
} catch (thrown) {
  if (interruption.signal.aborted) await leave()
  if (!(thrown instanceof LabError)) throw thrown
  complain(thrown.message.replaceAll(/\s*\n\s*/g, ' | '))
}

async function main(): Promise<void> {
  const played: Played[] = []
  const lab = await startLab({ name, progress, runnerDisk: 'demo' })
  if (interruption.signal.aborted) await leave()
  try {
    played.push({ title: 'the lab', duration: performance.now() - started, scene: labScene(lab) })
    await Promise.race([play(lab, played), interrupted()])
  } finally {
    if (!keep && !interruption.signal.aborted) await takeDown()
  }
  if (keep) process.stdout.write(`\n${addressesOf(lab)}\n`)
  process.stdout.write(`\n${tableOf(played)}\n\n`)
  for (const complaint of complaintsOf(played)) complain(complaint)
  process.stdout.write(`${endOf(played, performance.now() - started)}\n`)
}

/** Plays one stage after the other, up to one that is not as expected: the next ones start from what it should have left. */
async function play(lab: Lab, played: Played[]): Promise<void> {
  const [staging, production] = [lab.server('staging'), lab.server('production')]
  const site = { lab, staging, production, repository: await newRepository(lab) }
  for (const stage of stages) {
    const begun = performance.now()
    const scene = await progress
      .step(stage.title, (detail) => stage.play(site, { onLine: narrate(progress, detail) }))
      .catch((thrown: unknown) => ({ sights: [], unmet: [messageOf(thrown)] }))
    played.push({ title: stage.title, duration: performance.now() - begun, scene })
    if (scene.unmet.length > 0) return
  }
}

/** With code that no build before has seen: the runner is kept, and would build nothing and run no test of the app. */
async function newRepository(lab: Lab): Promise<UserRepository> {
  const repository = await UserRepository.create(lab)
  for (const file of ['server/src/server.js', 'client/src/main.tsx']) {
    await repository.edit(`deployment/reference-app/${file}`, (code) => `${code}// ${lab.name}\n`)
  }
  await repository.makeFirst()
  return repository
}

function labScene(lab: Lab) {
  return { sights: [...lab.servers.keys()].map((server) => ({ server, outcome: 'up, empty' })), unmet: [] }
}

function readArguments(): boolean {
  try {
    return parseArgs({ options: { keep: { type: 'boolean', default: false } } }).values.keep
  } catch (thrown) {
    process.stderr.write(`demo: ${messageOf(thrown)}\n${USAGE}\n`)
    return process.exit(2)
  }
}

/** Anything that a person must know who looks at the exit code only. */
function complain(message: string): void {
  process.stderr.write(`demo: ${message}\n`)
  process.exitCode = 1
}

function interrupt(): void {
  if (interruption.signal.aborted) return
  progress.line('interrupted: the lab is taken down as soon as what it does now allows that')
  interruption.abort(new Error('interrupted'))
}

/** Rejects when a person has had enough. */
function interrupted(): Promise<never> {
  return new Promise((_resolve, reject) => {
    const { signal } = interruption
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

function takeDown(): Promise<void> {
  return progress.step('take the lab down', () => removeLab(name))
}

async function leave(): Promise<never> {
  await takeDown()
  process.exit(INTERRUPTED)
}
