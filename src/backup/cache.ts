import { stat } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { Failure, together } from '../lib/index.ts'
import type { CacheContents } from './contents.ts'
import { askDocker, type Docker, runContainer } from './docker.ts'
import { fileHash } from './file-hash.ts'
import { BACKUP_LABEL } from './volume-reader.ts'

/** A Redis: its container, and the user that may save. */
export interface CacheSource {
  service: string
  container: string
  user: string
  password: string
}

/** How long a save in the background may take: 10 min. */
const SAVE_LIMIT = 600_000

/**
 * Lets Redis save in the background, waits for its end, and copies the file: Redis renames it into place, so it is whole.
 * @throws Failure `error` when the save fails or takes longer than 10 min
 */
export async function saveCache(
  docker: Docker,
  source: CacheSource,
  file: string,
  signal: AbortSignal,
): Promise<SavedCache> {
  const started = performance.now()
  const at = new Date().toISOString()
  const ask = (...command: string[]) => askRedis(docker, source, command, signal)
  const [before, place] = await together([idleState(ask, signal), savedFile(ask)])
  // Were the append-only file rewritten at this moment, Redis would refuse it; so it saves when that has ended.
  await ask('BGSAVE', 'SCHEDULE')
  const after = await idleState(ask, signal, before.saves)
  if (after.status !== 'ok') throw new Failure('error', `${source.service} could not save its data: see its log`)
  await askDocker(docker, ['cp', `${source.container}:${place}`, file])
  return { source, file, at, started }
}

/** What was saved of a cache, and has yet to be read. */
export interface SavedCache {
  source: CacheSource
  file: string
  /** ISO 8601. */
  at: string
  /** By `performance.now()`. */
  started: number
}

/** Reads what was saved to its end. @throws Failure `unhealthy` when it is damaged */
export async function readCache(docker: Docker, { source, file, at, started }: SavedCache): Promise<CacheContents> {
  const image = await askDocker(docker, ['container', 'inspect', '--format', '{{.Image}}', source.container])
  return {
    service: source.service,
    keys: await keysIn(docker, image, file),
    bytes: (await stat(file)).size,
    sha256: await fileHash(file, 'sha256'),
    at,
    seconds: (performance.now() - started) / 1000,
  }
}

/** One command as its user; the password goes by environment. @throws Failure `refused` when Redis refuses it */
export async function askRedis(
  docker: Docker,
  source: CacheSource,
  command: string[],
  signal: AbortSignal,
): Promise<string> {
  const args = [
    'exec',
    '-e',
    'REDISCLI_AUTH',
    source.container,
    'redis-cli',
    '--user',
    source.user,
    '--no-auth-warning',
  ]
  const answer = await askDocker(docker, [...args, ...command], { env: { REDISCLI_AUTH: source.password }, signal })
  const error = /^(NOAUTH|WRONGPASS|NOPERM|ERR|AUTH failed)\b.*/m.exec(answer)?.[0]
  if (error !== undefined) {
    const what = `${source.service} refuses ${command[0]} to the user ${source.user}`
    throw new Failure('refused', `${what}: ${error}; check its password and rights`)
  }
  return answer
}

interface SaveState {
  saves: string
  status: string
}

/** Waits until no save is under way and, if `since` is given, another than that one has ended. */
async function idleState(
  ask: (...command: string[]) => Promise<string>,
  signal: AbortSignal,
  since?: string,
): Promise<SaveState> {
  const limit = Date.now() + SAVE_LIMIT
  while (Date.now() < limit) {
    const info = new Map(
      (await ask('INFO', 'persistence')).split(/\r?\n/).map((line): [string, string] => {
        const [key = '', value = ''] = line.split(':')
        return [key, value]
      }),
    )
    const status = info.get('rdb_last_bgsave_status') ?? ''
    const saves = `${info.get('rdb_saves') ?? ''} ${info.get('rdb_last_save_time') ?? ''}`
    const idle = info.get('rdb_bgsave_in_progress') === '0' && info.get('aof_rewrite_in_progress') === '0'
    if (idle && (saves !== since || status !== 'ok')) return { saves, status }
    await sleep(200, undefined, { signal })
  }
  throw new Failure('error', `a save of Redis took longer than ${SAVE_LIMIT / 60_000} min`)
}

/** Where Redis saves; its image's own place when the user may not ask. */
async function savedFile(ask: (...command: string[]) => Promise<string>): Promise<string> {
  try {
    const setting = async (name: string) => (await ask('CONFIG', 'GET', name)).split(/\r?\n/)[1]
    const [directory, name] = await together([setting('dir'), setting('dbfilename')])
    if (directory?.startsWith('/') && name) return `${directory}/${name}`
  } catch (thrown) {
    if (!(thrown instanceof Failure && thrown.kind === 'refused')) throw thrown
  }
  return '/data/dump.rdb'
}

/**
 * Reads a saved file to its end with Redis's own checker, in a container without a network.
 * @returns how many keys it holds @throws Failure `unhealthy` when it is damaged, `error` when its reader was ended
 */
export async function keysIn(
  docker: Docker,
  image: string,
  file: string,
  labels = ['--label', BACKUP_LABEL],
): Promise<number> {
  const { code, stdout, stderr } = await runContainer(docker, [
    ...labels,
    ...['--network', 'none', '--read-only', '--memory', '512m'],
    ...['--cap-drop', 'ALL', '--cap-add', 'DAC_OVERRIDE', '--user', '0:0'],
    ...['--mount', `type=bind,src=${file},dst=/saved.rdb,readonly`, '--entrypoint', 'redis-check-rdb'],
    ...[image, '/saved.rdb'],
  ])
  const keys = /\[info\] (\d+) keys read/.exec(stdout)?.[1]
  if (code === 0 && keys !== undefined && /RDB looks OK/.test(stdout)) return Number(keys)
  // A reader that was ended, as for want of memory, says nothing about the file.
  if (code > 128) {
    throw new Failure('error', `the saved file of Redis was not read to its end: signal ${code - 128} ended its reader`)
  }
  const said = (stdout.trim() || stderr.trim()).split('\n').at(-1) ?? ''
  throw new Failure('unhealthy', `the saved file of Redis is damaged: ${said}`)
}
