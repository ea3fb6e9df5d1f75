import { dockerPlugin, Failure, type RunOptions, type RunResult, refused, tryRun } from '../lib/index.ts'

/** What the docker client begins with where it has no buildx, and buildx where it does not know a flag that came with 0.10. */
const MISSING = /^.*(?:unknown (?:docker )?command|is not a docker command|unknown (?:shorthand )?flag)/

const NAMED_MEANWHILE = /^ERROR: .*image "[^"]+": already exists$/m

/** Buildx asks git seven things for the attestations that are not made. */
const WITHOUT_GIT = { BUILDX_GIT_INFO: 'false' }

/** What to do about a reason of BuildKit's that does not say so itself. */
const HINTS: readonly (readonly [RegExp, string])[] = [
  [/no space left on device/i, 'make room where the engine keeps its images (docker system prune)'],
  [/walker is closed/, 'the engine took no more of the checkout, as when its disk fills up: see what room it has (df)'],
]

/**
 * Runs buildx.
 * @returns as `tryRun` does. @throws Failure `refused` where it is missing or too old
 */
export async function tryBuildx(args: readonly string[], options: RunOptions): Promise<RunResult> {
  const [program, ...first] = await dockerPlugin('buildx', options.env)
  const result = await tryRun(program, [...first, ...args], options)
  if (result.code === 0 || !MISSING.test(result.stderr)) return result
  throw refused(
    'docker buildx is missing, or too old to build without attestations: install 0.10 or newer (docker-buildx or docker-buildx-plugin)',
  )
}

/**
 * Builds one image, without attestations, and loads it into the engine.
 * @param what is built, for messages
 * @throws Failure `error` with BuildKit's own reason, `refused` without buildx
 */
export async function build(what: string, args: readonly string[], options: RunOptions): Promise<void> {
  const all = ['build', '--load', '--progress', 'plain', '--provenance=false', '--sbom=false', ...args]
  const run = () => tryBuildx(all, { ...options, env: { ...options.env, ...WITHOUT_GIT } })
  let { code, stderr } = await run()
  // Another job of this machine names the same image at the same moment: containerd's store lets one of them. All is built by now.
  if (code !== 0 && NAMED_MEANWHILE.test(stderr)) ({ code, stderr } = await run())
  if (code === 0) return
  const { redact = (text: string) => text } = options
  const reason = redact(reasonOf(stderr))
  const [, hint] = HINTS.find(([pattern]) => pattern.test(reason)) ?? []
  throw new Failure('error', `build of ${what} failed: ${reason}${hint === undefined ? '' : `: ${hint}`}`)
}

function reasonOf(stderr: string): string {
  const lines = stderr.split('\n')
  return (
    lines.findLast((line) => line.startsWith('ERROR:'))?.slice('ERROR: '.length) ?? lines.at(-1) ?? 'no reason given'
  )
}
