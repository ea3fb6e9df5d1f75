import { mkdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { badInput, dockerPlugin, Failure, run, tryRun } from '../lib/index.ts'
import { loadStack, type Stack } from '../stack/index.ts'
import type { Log } from './progress.ts'

interface Where {
  /** The checkout. */
  directory: string
  /** Path of the Compose file in it. */
  composeFile: string
  env: Readonly<Record<string, string>>
  log: Log
  signal: AbortSignal
}

/**
 * The stack as a branch of the checkout has it; null, with a line in the log, where that has none that can be read.
 * @param into an empty private directory
 * @throws Failure `bad-input` when the checkout does not hold the branch
 */
export async function stackOfBranch(branch: string, into: string, where: Where): Promise<Stack | null> {
  const { directory, composeFile, env, log, signal } = where
  const git = ['-c', `safe.directory=${directory}`, '-C', directory]
  const ref = `refs/remotes/origin/${branch}`
  const known = await tryRun('git', [...git, 'rev-parse', '--verify', '--quiet', `${ref}^{commit}`], { env, signal })
  if (known.code !== 0) {
    throw badInput(
      `a pull request is judged by what the Compose file of ${branch} allows, and git has no ${ref}: check out with fetch-depth: 0`,
    )
  }
  const archive = join(into, 'stack.tar')
  try {
    await mkdir(join(into, 'stack'))
    const folder = dirname(composeFile)
    await run('git', [...git, 'archive', '--output', archive, ref, '--', folder], { env, signal })
    await run('tar', ['-xf', archive, '-C', join(into, 'stack')], { env, signal })
    const compose = await dockerPlugin('compose', env)
    const options = { directory: join(into, 'stack', folder), file: basename(composeFile), env, signal, compose }
    return await loadStack(options)
  } catch (thrown) {
    if (!(thrown instanceof Failure) || signal.aborted) throw thrown
    log(`gate | ${branch} has no Compose file that can be read, so nothing is allowed: ${thrown.message.slice(0, 300)}`)
    return null
  }
}
