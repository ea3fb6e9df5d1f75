import { dirname, join, resolve } from 'node:path'

/** Where and for whom this job runs, as GitHub tells it by variables of its own. */
export interface JobContext {
  workspace: string
  repository: string
  actor: string
  commit: string
  /** The same for all attempts of a run. */
  runId: string
  /** Counted from 1; a run that is run again has the next. */
  attempt: number
  /** URL of the attempt, for the audit. */
  run: string
  /** Whether a pull request is judged, into whatever branch. */
  pullRequest: boolean
  /** The file in which GitHub describes what the run is for; may be empty. */
  eventFile: string
  /** The repository's address; undefined where none is known. */
  source: string | undefined
  /** Where GitHub's API is, also that of an Enterprise Server. */
  api: string
}

export function jobContext(env: NodeJS.ProcessEnv = process.env): JobContext {
  const repository = env.GITHUB_REPOSITORY ?? ''
  const runId = env.GITHUB_RUN_ID ?? ''
  const attempt = Number(env.GITHUB_RUN_ATTEMPT ?? 1)
  return {
    workspace: resolve(env.GITHUB_WORKSPACE ?? '.'),
    repository,
    // The one who started this attempt, not the one who made the run: a re-run is that person's act.
    actor: env.GITHUB_TRIGGERING_ACTOR || env.GITHUB_ACTOR || 'unknown',
    commit: env.GITHUB_SHA ?? '',
    runId,
    attempt,
    run: `${env.GITHUB_SERVER_URL ?? 'https://github.com'}/${repository}/actions/runs/${runId}/attempts/${attempt}`,
    pullRequest: Boolean(env.GITHUB_BASE_REF),
    eventFile: env.GITHUB_EVENT_PATH ?? '',
    source: env.GITHUB_SERVER_URL && repository ? `${env.GITHUB_SERVER_URL}/${repository}` : undefined,
    api: env.GITHUB_API_URL || 'https://api.github.com',
  }
}

/** The folder `dist` that the running action's entry lies in. */
export function distDirectory(): string {
  return join(dirname(resolve(process.argv[1] ?? '.')), '..')
}

/**
 * What a child process of an action gets to see: no inputs, no tokens. RUNNER_TRACKING_ID stays, so that the runner ends
 * what a killed action leaves behind.
 */
export function childEnvironment(env: NodeJS.ProcessEnv = process.env): Record<string, string> {
  return Object.fromEntries(INHERITED.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])))
}

const INHERITED = [
  'PATH',
  'HOME',
  'LANG',
  'TMPDIR',
  'XDG_RUNTIME_DIR',
  'RUNNER_TRACKING_ID',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'DOCKER_HOST',
  'DOCKER_TLS_VERIFY',
  'DOCKER_CERT_PATH',
  'DOCKER_CONFIG',
  'DOCKER_CONTEXT',
  'BUILDX_BUILDER',
  ...['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'].flatMap((name) => [name, name.toLowerCase()]),
]

/** By which BuildKit reaches GitHub's cache, which an action gets from the runner and hands to nothing else; undefined elsewhere. */
export function githubCache(env: NodeJS.ProcessEnv = process.env): Record<string, string> | undefined {
  const { ACTIONS_RUNTIME_TOKEN: token, ACTIONS_RESULTS_URL: results, ACTIONS_CACHE_URL: older } = env
  if (!token || !(results || older)) return undefined
  const names = ['ACTIONS_RUNTIME_TOKEN', 'ACTIONS_RESULTS_URL', 'ACTIONS_CACHE_URL', 'ACTIONS_CACHE_SERVICE_V2']
  return Object.fromEntries(names.flatMap((name) => (env[name] ? [[name, env[name]]] : [])))
}
