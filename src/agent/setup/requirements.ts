import { readFile } from 'node:fs/promises'
import { parseEnv } from 'node:util'
import { Problems } from '../../lib/index.ts'
import { outputOf, succeeds } from './system.ts'

/** The oldest that the tests run on: Debian 13's own packages. */
const OLDEST = { engine: '26.1.0', compose: '2.26.0' }

/** What runs here that was not tested, for the person to know. */
export type Warning = string

/**
 * Looks whether this machine can be a server.
 * @throws Failure `bad-input` that names everything that is missing or too old.
 */
export async function checkRequirements(uid: number | undefined): Promise<Warning[]> {
  const problems = new Problems()
  const warnings: Warning[] = []
  if (uid !== 0) problems.add('set-up needs root: sudo')
  const release = parseEnv(await readFile('/etc/os-release', 'utf8').catch(() => ''))
  judgeSystem(release, problems, warnings)
  if (!(await succeeds('systemctl', 'show-environment')))
    problems.add('systemd does not answer; the agent is a unit of it')
  if (!(await succeeds('sh', '-c', 'command -v sshd'))) problems.add('sshd is missing: apt-get install openssh-server')
  judgeVersion(
    'Docker Engine',
    await outputOf('docker', 'version', '--format', '{{.Server.Version}}'),
    OLDEST.engine,
    problems,
  )
  judgeVersion('Docker Compose', await outputOf('docker', 'compose', 'version', '--short'), OLDEST.compose, problems)
  problems.throwIfAny()
  return warnings
}

/** Debian 12 and 13 are tested; their relatives may work. */
export function judgeSystem(release: NodeJS.Dict<string>, problems: Problems, warnings: Warning[]): void {
  const { ID: id = 'unknown', VERSION_ID: version = '', PRETTY_NAME: name = id } = release
  if (id === 'debian' && (version === '12' || version === '13')) return
  if (id === 'debian' || id === 'ubuntu') warnings.push(`${name} is not tested; Debian 12 and 13 are`)
  else problems.add(`${name} is not supported: Debian 12 or 13 is needed (Ubuntu may work, untested)`)
}

/** Adds a problem when a program is missing or older than `oldest`. */
export function judgeVersion(what: string, found: string | null, oldest: string, problems: Problems): void {
  if (found === null || found.trim() === '') {
    problems.add(
      `${what} is missing or does not answer (${oldest} or newer is needed): https://docs.docker.com/engine/install/debian/`,
    )
    return
  }
  const [major = 0, minor = 0] = found
    .trim()
    .replace(/^v/, '')
    .split('.')
    .map((part) => Number.parseInt(part, 10))
  const [oldestMajor = 0, oldestMinor = 0] = oldest.split('.').map(Number)
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return
  problems.add(`${what} is ${found.trim()}, too old: ${oldest} or newer is needed`)
}
