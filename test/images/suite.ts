// A checkout of this suite in the lab's runner, as far as a person needs it who builds by hand.
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from '../../src/lib/index.ts'
import type { Machine } from '../lab/index.ts'

const ROOT = join(import.meta.dirname, '../..')
/** Path in the runner of the suite. */
export const SUITE = '/srv/suite'
const SCRIPT = 'deployment/production/scripts/build.sh'

/** Path in the runner of build.sh. */
export const BUILD_SCRIPT = `${SUITE}/${SCRIPT}`

/** Lays the committed dist and build.sh down. */
export async function installSuite(runner: Machine): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'pacs-suite-'))
  const archive = join(folder, 'suite.tar')
  try {
    await run('tar', ['-C', ROOT, '-cf', archive, 'dist', SCRIPT], { env: { PATH: process.env.PATH ?? '' } })
    await runner.run(['mkdir', '-p', SUITE])
    await runner.run(['tar', '-C', SUITE, '-xf', '-'], { input: await readFile(archive) })
  } finally {
    await rm(folder, { recursive: true })
  }
}
