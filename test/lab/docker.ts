import { type RunOptions, type RunResult, run, tryRun } from '../../src/lib/index.ts'

/** `env` is added to this process's own. */
type Options = Omit<RunOptions, 'env'> & Partial<Pick<RunOptions, 'env'>>

/** Every object of a lab carries this label with the lab's name. */
export const LAB_LABEL = 'pacs-deploy.lab'
/** Every image of the lab, and so every container made from one, carries this label with the recipe's name. */
export const IMAGE_LABEL = 'pacs-deploy.lab.image'

/** The environment of this process, for the host's programs (docker needs HOME, PATH and whatever chooses the engine). */
export function hostEnv(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  )
}

/** Runs the docker client and asks for exit code 0. @returns its standard output. @throws Failure `error` */
export function docker(args: readonly string[], options: Options = {}): Promise<string> {
  return run('docker', args, { ...options, env: { ...hostEnv(), ...options.env } })
}

/** Runs the docker client, whatever its exit code. @throws Failure `error` when it cannot be started or takes too long */
export function tryDocker(args: readonly string[], options: Options = {}): Promise<RunResult> {
  return tryRun('docker', args, { ...options, env: { ...hostEnv(), ...options.env } })
}

/** Ids that a listing command (`ps`, `network ls`, …) prints. */
export async function ids(args: readonly string[]): Promise<string[]> {
  const text = await docker(args)
  return text.split('\n').filter((line) => line !== '')
}

/** The address of a container that is in one network. */
export function addressOf(container: string): Promise<string> {
  const format = '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}'
  return docker(['container', 'inspect', '--format', format, container])
}
