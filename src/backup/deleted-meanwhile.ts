import { createReadStream, existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf, shortened } from '../lib/index.ts'
import { type ArchiveSource, copyPaused, mountOf } from './archive.ts'
import type { ArchiveContents } from './contents.ts'
import type { Docker } from './docker.ts'
import { listFiles } from './index-database.ts'
import { SqliteIndex } from './sqlite-index.ts'

/** How many files are known by name: the list is read whole, and a study has some thousand. Of others a proof says that it cannot tell. */
const MAX_NAMED = 100_000

/** A service that restarts answers again within a minute. */
const ATTEMPTS = 7
const BETWEEN = 10_000

/**
 * Asks the live index once all files are stored. What the copy names and the live index does not was deleted meanwhile, and may be
 * missing in the volume; a file that both name may not. One that does not answer takes nothing from what is stored.
 * @param named the names in the copy @param marker as for `copyIndex` @param between milliseconds between two attempts
 * @returns the contents with what was deleted, or with why that is not known @throws Failure when Orthanc is still paused
 */
export async function findDeleted(
  docker: Docker,
  source: ArchiveSource,
  archive: ArchiveContents,
  named: string,
  marker: string,
  signal: AbortSignal,
  between = BETWEEN,
): Promise<ArchiveContents> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await askLive(docker, source, archive, named, marker, signal)
    } catch (thrown) {
      if (signal.aborted) throw thrown
      if (attempt < ATTEMPTS) {
        await sleep(between, undefined, { signal }).catch(() => signal.throwIfAborted())
        continue
      }
      if (existsSync(marker)) throw thrown
      return { ...archive, deleted: { ...archive.deleted, unknown: shortened(messageOf(thrown)) } }
    }
  }
}

async function askLive(
  docker: Docker,
  source: ArchiveSource,
  archive: ArchiveContents,
  named: string,
  marker: string,
  signal: AbortSignal,
): Promise<ArchiveContents> {
  const [live, directory] = [`${named}-live`, `${named}-copy`]
  // An attempt before may have ended half-way.
  for (const left of [live, directory]) await rm(left, { recursive: true, force: true })
  let paused = 0
  if (source.index !== null) await listFiles(docker, source.index, live, signal)
  else {
    const mount = await mountOf(docker, source.container, source.volume)
    paused = (await copyPaused(docker, source.container, mount, archive.storage, directory, marker)).paused
    await using index = new SqliteIndex(join(directory, 'index'))
    await index.listFiles(live)
    await rm(directory, { recursive: true })
  }
  return { ...archive, paused: archive.paused + paused, deleted: await namesGone(named, live) }
}

/** What one list has and the other one lacks. */
async function namesGone(before: string, after: string): Promise<ArchiveContents['deleted']> {
  const deleted: ArchiveContents['deleted'] = { files: 0, names: [] }
  const there = linesOf(after)
  let next = await there.next()
  for await (const name of linesOf(before)) {
    while (next.done !== true && next.value < name) next = await there.next()
    if (next.done !== true && next.value === name) continue
    deleted.files++
    if (deleted.names.length < MAX_NAMED) deleted.names.push(name)
  }
  return deleted
}

function linesOf(file: string): NodeJS.AsyncIterator<string> & AsyncIterable<string> {
  return createInterface({ input: createReadStream(file) })[Symbol.asyncIterator]()
}
