import { tryRun } from '../../lib/index.ts'

/** A program and its first arguments. */
export type ComposeCommand = readonly [program: string, ...args: string[]]

/**
 * The environment of a Compose that reads a file and ends: a quarter of its time would go to collecting garbage. Not for one whose
 * output holds values of its environment.
 */
export const WITHOUT_COLLECTOR = { GOGC: 'off' }

const PATH_OF_COMPOSE = '{{range .ClientInfo.Plugins}}{{if eq .Name "compose"}}{{.Path}}{{end}}{{end}}'

/**
 * How Compose is called for as long as the agent runs: its own program, where docker says which one that is. `docker compose`
 * looks for every plugin and starts Compose twice, which takes twice as long.
 */
export async function findCompose(env: Readonly<Record<string, string>>): Promise<ComposeCommand> {
  const { stdout } = await tryRun('docker', ['info', '--format', PATH_OF_COMPOSE], { env })
  const path = stdout.trim()
  return path.startsWith('/') ? [path] : ['docker', 'compose']
}
