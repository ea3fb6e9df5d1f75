import type { Readable } from 'node:stream'
import { Failure, type RunResult, tryRun } from '../lib/index.ts'

export interface DockerCall {
  /** Added to the client's environment; how a secret reaches `docker exec -e NAME`. */
  env?: Readonly<Record<string, string>>
  signal?: AbortSignal | undefined
  /** Written to its standard input. */
  input?: string | Readable
  /** Milliseconds. */
  timeout?: number
  onBytes?: (bytes: Uint8Array) => void
}

/** Runs the docker client with `args`, whatever its exit code. */
export type Docker = (args: readonly string[], call?: DockerCall) => Promise<RunResult>

/** The docker client in an environment of its own (PATH, HOME, DOCKER_CONFIG, what chooses the engine). */
export function dockerIn(env: Readonly<Record<string, string>>): Docker {
  return (args, call = {}) => {
    const { signal, ...rest } = call
    return tryRun('docker', args, {
      ...rest,
      ...(signal === undefined ? {} : { signal }),
      env: { ...env, ...call.env },
    })
  }
}

/** Asks docker for exit code 0. @returns its standard output @throws Failure `error` with what it said last */
export async function askDocker(docker: Docker, args: readonly string[], call?: DockerCall): Promise<string> {
  const { code, stdout, stderr } = await docker(args, call)
  if (code === 0) return stdout.trim()
  const said = (stderr || stdout).trim().split('\n').slice(0, 3).join(' ')
  throw new Failure('error', `docker ${args[0] ?? ''} ended with ${code}: ${said}`)
}

/** The client's own exit code for a container that it could not start. */
const NOT_STARTED = 125

/**
 * Runs a program in a container that is removed afterwards, whatever the program's exit code.
 * @throws Failure `error` when the engine could not run it: that says nothing about what the program would have found
 */
export async function runContainer(docker: Docker, args: readonly string[], call?: DockerCall): Promise<RunResult> {
  const result = await docker(['run', '--rm', ...args], call)
  if (result.code !== NOT_STARTED) return result
  const said = (result.stderr || result.stdout).trim().split('\n').slice(0, 2).join(' ')
  throw new Failure('error', `docker could not start a container: ${said}`)
}
