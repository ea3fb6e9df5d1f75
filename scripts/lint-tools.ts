import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { badInput, tryRun } from '../src/lib/index.ts'
import { inheritedEnvironment } from './environment.ts'

/**
 * Installs the pinned wheels of lint-tools.txt into a private cache, once per content of that file.
 * @returns the folder that holds them; their programs are in its bin/ and need it as PYTHONPATH.
 * @throws Failure `bad-input` in one line when Python or pip is missing or a wheel is not the pinned one.
 */
export async function installLintTools(root: string): Promise<string> {
  const requirements = join(root, 'scripts', 'lint-tools.txt')
  const key = createHash('sha256')
    .update(await readFile(requirements))
    .digest('hex')
    .slice(0, 16)
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'pacs-deploy')
  const installed = join(cache, `lint-tools-${key}`)
  if (existsSync(installed)) return installed
  await mkdir(cache, { recursive: true })
  const fresh = await mkdtemp(join(cache, 'installing-'))
  try {
    await pip([
      'install',
      '--require-hashes',
      '--no-deps',
      '--only-binary=:all:',
      '--target',
      fresh,
      '-r',
      requirements,
    ])
    await rename(fresh, installed)
  } finally {
    await rm(fresh, { recursive: true, force: true })
  }
  return installed
}

async function pip(args: readonly string[]): Promise<void> {
  const env = { ...inheritedEnvironment(), PIP_DISABLE_PIP_VERSION_CHECK: '1', PIP_ROOT_USER_ACTION: 'ignore' }
  const version = await tryRun('python3', ['-m', 'pip', '--version'], { env }).catch(() => null)
  if (version?.code !== 0) throw badInput('python3 with pip is missing (on Debian: apt-get install python3-pip)')
  const { code, stderr } = await tryRun('python3', ['-m', 'pip', '--quiet', ...args], { env })
  if (code === 0) return
  const errors = stderr.split('\n').filter((line) => line.startsWith('ERROR:'))
  throw badInput(`pip could not install scripts/lint-tools.txt: ${errors.join(' ') || stderr}`)
}
