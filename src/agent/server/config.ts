import { createHmac, randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { badInput, isMissing, parseEnvFile, replaceFile, syncDirectory } from '../../lib/index.ts'
import type { Layout } from '../layout.ts'
import type { Certificate } from '../transaction/traffic.ts'

/** The `.env`, secrets and certificates of a server at one time. */
export interface ConfigRevision {
  /** A keyed hash of the content (16 hex digits): equal content is the same revision, and the name betrays nothing of it. */
  revision: string
  directory: string
  env: Readonly<Record<string, string>>
  certificate: Certificate | null
}

/** The key of all keyed hashes on this server; made once. */
export async function hashKey(paths: Layout): Promise<Buffer> {
  const path = join(paths.config, 'hash.key')
  try {
    return await readFile(path)
  } catch (thrown) {
    // Another key would make every config revision and core definition look changed.
    if (!isMissing(thrown)) throw thrown
    await replaceFile(path, randomBytes(32), 0o600)
    return await readFile(path)
  }
}

/**
 * The files of `config/next`, which the next deploy takes.
 * @throws Failure `bad-input` when there is no `.env`, or for a link: what that leads to would change without a deploy
 */
export async function nextFiles({ configNext }: Layout): Promise<string[]> {
  const entries = await readdir(configNext, { recursive: true, withFileTypes: true }).catch((thrown: unknown) => {
    if (isMissing(thrown)) return []
    throw thrown
  })
  const pathOf = (entry: (typeof entries)[number]) => join(entry.parentPath, entry.name)
  const link = entries.find((entry) => entry.isSymbolicLink())
  if (link !== undefined)
    throw badInput(`${pathOf(link)} is a link: a deploy takes a copy, so put the file itself there`)
  const files = entries.filter((entry) => entry.isFile()).map((entry) => relative(configNext, pathOf(entry)))
  if (files.includes('.env')) return files.sort()
  throw badInput(`${join(configNext, '.env')} does not exist: run "pacs-agent config edit" on the server`)
}

/**
 * Seals `config/next` as `config/<revision>` (nothing is written when that content was sealed before).
 * @throws Failure `bad-input` as {@link nextFiles} does
 */
export async function sealConfig(paths: Layout): Promise<ConfigRevision> {
  const files = await nextFiles(paths)
  const hash = createHmac('sha256', await hashKey(paths))
  for (const file of files) {
    const content = await readFile(join(paths.configNext, file))
    hash.update(`${file}\0${content.length}\0`).update(content)
  }
  const revision = hash.digest('hex').slice(0, 16)
  const directory = join(paths.config, revision)
  if (!(await exists(directory))) {
    const beside = join(paths.config, `.${revision}.new`)
    await rm(beside, { recursive: true, force: true })
    await mkdir(beside, { mode: 0o700 })
    // Directories keep others out; the files are readable because a bind mount skips their parent and Compose ignores uid and mode.
    for (const file of files) {
      const target = join(beside, file)
      await mkdir(join(target, '..'), { recursive: true, mode: 0o700 })
      await replaceFile(target, await readFile(join(paths.configNext, file)), file === '.env' ? 0o400 : 0o444)
    }
    await rename(beside, directory)
    await syncDirectory(paths.config)
  }
  return openConfig(paths, revision)
}

/** Reads a sealed revision. */
export async function openConfig(paths: Layout, revision: string): Promise<ConfigRevision> {
  const directory = join(paths.config, revision)
  const env = parseEnvFile(await readFile(join(directory, '.env'), 'utf8'))
  return { revision, directory, env, certificate: await readCertificate(directory) }
}

async function readCertificate(directory: string): Promise<Certificate | null> {
  const pem = (name: string) => readFile(join(directory, 'certs', name), 'utf8').catch(() => null)
  const [certificate, key] = await Promise.all([pem('tls.crt'), pem('tls.key')])
  if (certificate === null && key === null) return null
  if (certificate === null || key === null) {
    throw badInput(`config: certs/${certificate === null ? 'tls.crt' : 'tls.key'} is missing beside its other half`)
  }
  return { certificate, key }
}

async function exists(path: string): Promise<boolean> {
  return readdir(path).then(
    () => true,
    () => false,
  )
}
