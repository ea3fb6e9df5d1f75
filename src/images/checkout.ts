import { badInput, tryRun } from '../lib/index.ts'

/**
 * Makes sure that the checkout in `directory` is at `commit`, so that what is built from it may carry that name.
 * @returns when the commit was made.
 * @throws Failure `bad-input` when it is not, or git cannot tell.
 */
export async function checkCheckout(
  directory: string,
  commit: string,
  options: { env: Readonly<Record<string, string>>; signal: AbortSignal },
): Promise<Date> {
  if (!/^[0-9a-f]{40}$/.test(commit)) throw badInput(`commit: "${commit}" is no commit (40 hex digits)`)
  // In a job container the checkout often belongs to another user, which git distrusts.
  const args = ['-c', `safe.directory=${directory}`, '-C', directory, 'log', '-1', '--format=%H %ct']
  const { code, stdout, stderr } = await tryRun('git', args, options)
  const [head, seconds] = stdout.trim().split(' ')
  if (code !== 0 || head === undefined || seconds === undefined) {
    throw badInput(`${directory} is no git checkout (${stderr.trim().split('\n')[0]}): check the repository out first`)
  }
  if (head !== commit) {
    throw badInput(`${directory} is at commit ${head}, not at ${commit}: check out the commit that is to be released`)
  }
  return new Date(Number(seconds) * 1000)
}
