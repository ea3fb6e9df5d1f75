import { setTimeout as sleep } from 'node:timers/promises'
import { Failure } from '../lib/index.ts'
import type { ArchiveContents } from './contents.ts'
import { askDocker, type Docker } from './docker.ts'
import { type IndexDatabase, restoreIndex } from './index-database.ts'
import { PostgresIndex } from './postgres-index.ts'
import { saidLast, scratchFault, scratchLabels } from './scratch.ts'

const START_LIMIT = 120_000

/** A PostgreSQL of its own, without a network, for what a backup holds of an archive's index. */
export interface ScratchIndex extends AsyncDisposable {
  /** Restores a dump into it, all or nothing. @returns the index, which is gone with this */
  restored(dump: string): Promise<PostgresIndex>
  /** Why it ended; null while it runs. */
  fault(): Promise<Failure | null>
}

/** Where the index lay when it was dumped. */
type Place = NonNullable<ArchiveContents['index']>

/**
 * Starts an empty PostgreSQL in a container that reaches nothing and is reached by nobody: what is asked of it is asked in there.
 * @param id of the verification or restore @param image what the live one runs @param memory bytes
 */
export async function startScratchIndex(
  docker: Docker,
  id: string,
  image: string,
  memory: number,
  { service, database, user }: Place,
  signal: AbortSignal,
): Promise<ScratchIndex> {
  const container = `pacs-verify-${id}-${service}`
  const at: IndexDatabase = { container, database, user }
  const end = async () => {
    await docker(['rm', '--force', '--volumes', container])
  }
  try {
    await askDocker(docker, [
      ...['run', '--detach', '--name', container, ...scratchLabels(id), '--network', 'none'],
      ...['--memory', String(memory), '--memory-swap', String(memory), '--cpus', '1', '--pids-limit', '256'],
      ...['--security-opt', 'no-new-privileges', '--cap-drop', 'ALL', '--restart', 'no', '--user', 'postgres'],
      // Nobody gets in but through the engine.
      ...[
        '--env',
        'POSTGRES_HOST_AUTH_METHOD=trust',
        '--env',
        `POSTGRES_USER=${user}`,
        '--env',
        `POSTGRES_DB=${database}`,
      ],
      ...[image, 'postgres', '-c', 'fsync=off', '-c', 'full_page_writes=off', '-c', 'synchronous_commit=off'],
      // Workers share memory in /dev/shm, of which a container has 64 MB.
      ...['-c', 'max_parallel_maintenance_workers=0', '-c', 'max_parallel_workers_per_gather=0'],
    ])
    await untilReady(docker, at, signal)
    return {
      fault: () => scratchFault(docker, container, memory),
      restored: async (dump) => {
        await restoreIndex(docker, at, dump, signal)
        return new PostgresIndex(docker, at, end)
      },
      [Symbol.asyncDispose]: end,
    }
  } catch (thrown) {
    await end()
    throw thrown
  }
}

/** By TCP: while it makes itself, it answers by its socket only. */
async function untilReady(docker: Docker, { container, user, database }: IndexDatabase, signal: AbortSignal) {
  const limit = Date.now() + START_LIMIT
  const ask = ['exec', container, 'pg_isready', '--host=127.0.0.1', `--username=${user}`, `--dbname=${database}`]
  while ((await docker(ask, { signal })).code !== 0) {
    const running = await askDocker(docker, ['container', 'inspect', '--format', '{{.State.Running}}', container])
    if (running !== 'true' || Date.now() > limit) {
      throw new Failure('error', `the scratch PostgreSQL does not start: ${await saidLast(docker, container)}`)
    }
    await sleep(100, undefined, { signal })
  }
}
