import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { chmod, type FileHandle, lstat, mkdir, mkdtemp, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { badInput, Failure, type PinnedTool, refused, run, tryRun } from '../../lib/index.ts'
import { type Digest, digestSchema } from '../../release/index.ts'
import type { Log } from '../progress.ts'

/** A scanner whose bytes are known. */
export interface Scanner {
  /** Absolute. */
  path: string
  version: string
  sha256: Digest
}

/** A scanner that somebody has put on the machine, where the release cannot be fetched. */
export interface GivenScanner {
  /** Absolute. */
  path: string
  sha256: Digest
}

export interface ScannerOptions {
  pinned: PinnedTool
  given?: GivenScanner
  /** A directory of this user alone, kept from one job to the next where the machine is. */
  cache: string
  /** Like `linux-x64`; this machine's when left out. */
  platform?: string
  /** Environment of curl and tar. */
  env: Readonly<Record<string, string>>
  log: Log
  signal: AbortSignal
}

/**
 * Finds the scanner: the given one, else that of the cache, else the pinned release, fetched once.
 * @throws Failure `refused` when its bytes are not the pinned ones, `bad-input` when none is pinned for this machine, `error` when
 * it cannot be fetched
 */
export async function findScanner(options: ScannerOptions): Promise<Scanner> {
  const { pinned, given, cache, platform = `${process.platform}-${process.arch}`, log } = options
  if (given) {
    const scanner = { ...given, version: pinned.version }
    await (await openScanner(scanner)).close()
    return scanner
  }
  const pins = Object.entries(pinned.platforms).find(([name]) => name === platform)?.[1]
  if (!pins) {
    throw badInput(
      `scanner: Trivy ${pinned.version} is not pinned for ${platform}: give one by scanner and scanner-sha256`,
    )
  }
  const directory = join(cache, `trivy-${pinned.version}-${platform}-${pins.archive.slice(0, 12)}`)
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const kept = join(directory, 'trivy')
  if (pins.binary !== undefined) {
    const found = await hashOf(kept)
    if (found === `sha256:${pins.binary}`) return { path: kept, version: pinned.version, sha256: found }
    if (found !== null) log(`scanner | ${kept} has the SHA-256 ${found}, pinned is ${pins.binary}: fetched anew`)
  }
  const archive = join(directory, 'archive.tar.gz')
  // Where the program's own hash is not known, the archive is kept and unpacked again by each job.
  if (pins.binary !== undefined || (await hashOf(archive)) !== `sha256:${pins.archive}`) {
    await fetchArchive(pins.urls, `sha256:${pins.archive}`, archive, options)
  }
  const sha256 = await unpack(archive, kept, pins.binary, options)
  if (pins.binary !== undefined) await rm(archive, { force: true })
  return { path: kept, version: pinned.version, sha256 }
}

/** What the kernel says of each scanner whose bytes were read: whoever writes a file changes its ctime, and cannot set it back. */
const read = new Map<string, Digest>()

/**
 * To be called right before the scanner is run, by what is returned: whoever puts another file at its path meanwhile does so in vain.
 * Its bytes, which take half a second, are read again when the file was touched.
 * @throws Failure `refused` when the file is missing or is not the one whose hash is known
 */
export async function openScanner({ path, sha256 }: Pick<Scanner, 'path' | 'sha256'>): Promise<FileHandle> {
  const file = await open(path).catch(() => null)
  if (file === null) throw refused(`scanner: ${path} is no file that can be read`)
  try {
    const before = await stateOf(file)
    if (read.get(before) === sha256) return file
    const found = await hashOf(file.createReadStream({ autoClose: false, start: 0, highWaterMark: CHUNK }))
    // One that was written to while it was read is read again the next time.
    if (found !== null && (await stateOf(file)) === before) read.set(before, found)
    if (found === sha256) return file
    throw refused(
      found === null
        ? `scanner: ${path} is no file that can be read`
        : `scanner: ${path} has the SHA-256 ${found}, expected is ${sha256}: it is not run, and nothing is judged`,
    )
  } catch (thrown) {
    await file.close()
    throw thrown
  }
}

/** Asks the sources one after the other. @throws Failure with what the first one that gave other bytes did, else with what each did */
async function fetchArchive(
  urls: readonly string[],
  expected: string,
  file: string,
  options: ScannerOptions,
): Promise<void> {
  const failures: Failure[] = []
  for (const url of urls) {
    try {
      return await fetchFrom(url, expected, file, options)
    } catch (thrown) {
      if (!(thrown instanceof Failure) || options.signal.aborted) throw thrown
      options.log(thrown.message)
      failures.push(thrown)
    }
  }
  const replaced = failures.find(({ kind }) => kind === 'refused')
  if (replaced) throw replaced
  throw new Failure(
    'error',
    `${failures.map(({ message }) => message).join('; ')}: see the network, or give a scanner of the machine by scanner and scanner-sha256`,
  )
}

async function fetchFrom(
  url: string,
  expected: string,
  file: string,
  { env, log, signal }: ScannerOptions,
): Promise<void> {
  log(`scanner | fetch ${url}`)
  const part = `${file}.${process.pid}`
  const limits = ['--connect-timeout', '20', '--speed-limit', '1000', '--speed-time', '30', '--max-filesize', '400M']
  const retries = ['--retry', '3', '--retry-max-time', '90']
  try {
    const args = ['--fail', '--silent', '--show-error', '--location', ...limits, ...retries, '--output', part, url]
    const { code, stderr } = await tryRun('curl', args, { env, signal })
    if (code !== 0) {
      const why = stderr.trim().split('\n').at(-1)
      throw new Failure('error', `scanner: ${url} could not be fetched (${why})`)
    }
    const found = await hashOf(part)
    if (found !== expected) {
      throw refused(
        `scanner: ${url} has the SHA-256 ${found}, pinned is ${expected}: it was cut or replaced; nothing is run`,
      )
    }
    await rename(part, file)
  } finally {
    await rm(part, { force: true })
  }
}

/** Unpacks the program beside its place first: a cut one is never taken for it. */
async function unpack(
  archive: string,
  program: string,
  pinned: string | undefined,
  { env, signal }: ScannerOptions,
): Promise<Digest> {
  const beside = await mkdtemp(`${program}-new-`)
  try {
    const unpacked = join(beside, 'trivy')
    await run('tar', ['-xzf', archive, '-C', beside, '--no-same-owner', 'trivy'], { env, signal })
    const found = (await lstat(unpacked)).isFile() ? await hashOf(unpacked) : null
    if (found === null || (pinned !== undefined && found !== `sha256:${pinned}`)) {
      throw refused(`scanner: the program in ${archive} has the SHA-256 ${found}, pinned is ${pinned}: it is not run`)
    }
    await chmod(unpacked, 0o500)
    await rename(unpacked, program)
    return found
  } finally {
    await rm(beside, { recursive: true, force: true })
  }
}

async function stateOf(file: FileHandle): Promise<string> {
  const { dev, ino, size, mtimeNs, ctimeNs } = await file.stat({ bigint: true })
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ')
}

const CHUNK = 1024 * 1024

/** SHA-256 of a file; null when it cannot be read. */
async function hashOf(file: string | Readable): Promise<Digest | null> {
  const hash = createHash('sha256')
  try {
    await pipeline(typeof file === 'string' ? createReadStream(file, { highWaterMark: CHUNK }) : file, hash)
  } catch {
    return null
  }
  return digestSchema.parse(`sha256:${hash.digest('hex')}`)
}
