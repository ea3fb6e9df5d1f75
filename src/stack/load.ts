import { setImmediate } from 'node:timers/promises'
import { z } from 'zod'
import { badInput, type Command, Failure, tryRun } from '../lib/index.ts'
import { parseDefinition } from './definition.ts'
import { readSources } from './sources.ts'
import { type Stack, stackOf } from './stack.ts'

export interface LoadOptions {
  /** Where the Compose file lies. */
  directory: string
  file?: string
  /** Environment of `docker compose`; PATH, HOME and DOCKER_CONFIG of this process when absent. Nothing of it gets into the stack. */
  env?: Readonly<Record<string, string>>
  signal?: AbortSignal
  /** How Compose is called; `docker compose` when absent. */
  compose?: Command
}

const TIMEOUT_MS = 60_000

/** Compose fetches what a file includes from elsewhere. {@link readSources} refuses such a file, and nothing is fetched until it has. */
const NOTHING_REMOTE = { COMPOSE_EXPERIMENTAL_GIT_REMOTE: 'false', COMPOSE_EXPERIMENTAL_OCI_REMOTE: 'false' }

/** A quarter of the time in which Compose reads a file would go to collecting garbage. */
const WITHOUT_COLLECTOR = { GOGC: 'off' }

/** The oldest Compose that reads and creates a stack as this code asks it to. */
export const OLDEST_COMPOSE = '2.26.0'

/**
 * Reads a Compose file as Compose itself reads it, with every variable left as it stands.
 * @throws Failure `bad-input` when the file is missing or not valid; `error` when Docker Compose is missing or too old.
 */
export async function loadStack(options: LoadOptions): Promise<Stack> {
  const {
    directory,
    file = 'docker-compose.prod.yml',
    env = composeEnvironment(),
    signal,
    compose = ['docker', 'compose'],
  } = options
  const flags = ['--no-interpolate', '--no-path-resolution', '--no-normalize', '--no-consistency', '--format', 'json']
  const [program, ...first] = compose
  const args = [...first, '-f', file, '--project-directory', directory, '--env-file', '/dev/null', 'config', ...flags]
  const asked = tryRun(program, args, {
    env: { ...env, ...NOTHING_REMOTE, ...WITHOUT_COLLECTOR },
    cwd: directory,
    timeout: TIMEOUT_MS,
    ...(signal ? { signal } : {}),
  })
  // Beside Compose, which takes longer; what is wrong with the sources is said first.
  const sources = await readBeside(asked, () => readSources(directory, file))
  const result = await asked
  if (result.code !== 0) throw composeFailure(directory, file, result.stderr || result.stdout)
  const printed = z
    .string()
    .transform((text): unknown => JSON.parse(text))
    .safeParse(result.stdout)
  if (!printed.success) throw new Failure('error', `docker compose config printed no JSON for ${file}`)
  return stackOf({ directory, file, sources }, parseDefinition(file, printed.data))
}

/** Reads while `child` runs, which has ended when that throws. What else was begun with it begins before the reading, which takes a while. */
async function readBeside<T>(child: Promise<unknown>, read: () => T): Promise<T> {
  // Who reads on asks it.
  child.catch(() => undefined)
  try {
    await setImmediate()
    return read()
  } catch (thrown) {
    await child.catch(() => undefined)
    throw thrown
  }
}

/** Client and home of the user, so that the Compose plugin is found; no variable of the caller can get into a stack. */
function composeEnvironment(): Record<string, string> {
  const names = ['PATH', 'HOME', 'DOCKER_CONFIG']
  return Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])))
}

function composeFailure(directory: string, file: string, said: string): Failure {
  if (/unknown (?:docker )?command|is not a docker command|unknown (?:shorthand )?flag/.test(said)) {
    return new Failure(
      'error',
      `docker compose is missing or older than ${OLDEST_COMPOSE}: install Debian's docker-compose or Docker's docker-compose-plugin (${firstLine(said)})`,
    )
  }
  return badInput(`${file} is refused by docker compose: ${firstLine(said.replaceAll(`${directory}/`, ''))}`)
}

function firstLine(text: string): string {
  return text.trim().split('\n')[0] ?? ''
}
