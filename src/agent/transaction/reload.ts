import { Failure, formatDuration, messageOf } from '../../lib/index.ts'
import type { Container } from '../server/engine.ts'
import { type CoreService, hashesOf, type LiveFiles } from './core-definition.ts'
import { announce, settle, waitUp } from './core-service.ts'
import type { Replacing } from './state.ts'
import type { Run, World } from './world.ts'

/** Milliseconds after its signal before which nothing that a service does shows whether it took its files. */
const SETTLING = 2000
/** Milliseconds within which its health check must have said something. */
const PROOF_LIMIT = 300_000

/**
 * Gives a running core service new files without stopping it: they are renamed in, the signal is sent, and it is read back that the
 * service runs, passed a health check since, and sees the new files. Otherwise the old files come back and it is signalled again.
 * @throws Failure `rolled-back` when the service runs by its old files again, `failed` when they could not be brought back.
 */
export async function reload(
  service: CoreService,
  from: string,
  run: Pick<Run, 'report'>,
  world: World,
): Promise<void> {
  await service.materialize()
  const at = (step: Replacing['step']) => announce({ service: service.name, from, to: service.hash, step }, world)
  await at('mounted')
  try {
    await filesOf(service).place(filesOf(service).version)
    await at('signal')
    await loadFiles(service, service.hash, run, world)
  } catch (thrown) {
    await putBack(service, from, messageOf(thrown), run, world)
  }
  await settle(service.name, service.hash, true, world)
}

/**
 * Settles a reload that a crash left: one whose signal was announced is signalled again and read back; before that, or when that
 * fails, the old files come back.
 * @returns what became of it.
 */
export async function settleReload(
  service: CoreService,
  { from, step }: Replacing,
  report: Run['report'],
  world: World,
): Promise<string> {
  if (from === null) throw new Error('a reload has an old version')
  try {
    if (step !== 'signal') throw new Failure('failed', `${service.name} had not been told of its new files`)
    await loadFiles(service, service.hash, { report }, world)
  } catch (thrown) {
    return putBack(service, from, messageOf(thrown), { report }, world).catch((restored) => messageOf(restored))
  }
  await settle(service.name, service.hash, true, world)
  return `${service.name} runs by its new files`
}

/** @throws Failure, always: it says why, and whether the old files are in force again. */
async function putBack(
  service: CoreService,
  from: string,
  reason: string,
  run: Pick<Run, 'report'>,
  world: World,
): Promise<never> {
  const { files } = hashesOf(from)
  await run.report.note(`${reason}; the old files of ${service.name} come back`)
  await announce({ service: service.name, from, to: service.hash, step: 'mounted' }, world)
  try {
    if (files === null) throw new Error('no old version of them is known')
    await filesOf(service).place(files)
    await loadFiles(service, from, run, world, true)
  } catch (thrown) {
    throw new Failure(
      'failed',
      `${reason}; the old files of ${service.name} could not be brought back (${messageOf(thrown)}): mend that and ask for the core again`,
      { cause: thrown },
    )
  }
  await settle(service.name, from, false, world)
  throw new Failure('rolled-back', `${reason}; ${service.name} runs by its old files again`)
}

/**
 * Sends the signal and waits for the proof that the service took it: it is the same process (unless `anew`, since what it tried
 * before may have ended it), a health check that began well after it was passed, and it sees the files.
 */
async function loadFiles(
  service: CoreService,
  hash: string,
  run: Pick<Run, 'report'>,
  world: World,
  anew = false,
): Promise<void> {
  const live = filesOf(service)
  const [before] = await world.engine.containers({ names: [service.container] })
  const since = world.now()
  await signal(service, live, before, world)
  await waitUp(service, run, world, ({ running, exitCode, startedAt, health, lastCheck }) => {
    const isLate = world.now() - since > PROOF_LIMIT
    // The engine starts one anew that its new files ended, after a pause that grows.
    if (!running) return (isLate || !anew) && `ended with ${exitCode}`
    if (!anew && before?.running && startedAt !== before.startedAt) {
      return `ended on ${live.signal} and was started anew by the engine`
    }
    if (health === 'none') return world.now() - since >= SETTLING
    const proof = lastCheck !== null && lastCheck.at >= since + SETTLING ? lastCheck : null
    if (proof && health === 'unhealthy') return 'is unhealthy'
    if (proof?.passed && health === 'healthy') return true
    return isLate && `passed no health check within ${formatDuration(PROOF_LIMIT)}`
  })
  for (const [path, text] of await live.seen(hashesOf(hash).files ?? '')) {
    const inside = await world.engine.readInside(service.container, path)
    if (inside === text.replace(/\n$/, '')) continue
    throw new Failure(
      'failed',
      `${service.name} sees ${inside === null ? 'no' : 'another'} ${path} than the release brings`,
    )
  }
}

/** One that does not run reads its files when it is started. */
async function signal(
  service: CoreService,
  live: LiveFiles,
  before: Container | undefined,
  world: World,
): Promise<void> {
  if (!before?.running) return world.engine.start([service.container])
  await world.engine.signal(service.container, live.signal).catch(() => world.engine.start([service.container]))
}

function filesOf({ name, live }: CoreService): LiveFiles {
  if (!live) throw new Error(`${name} has no live files`)
  return live
}
