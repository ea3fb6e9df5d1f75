import type { Problems } from '../../lib/index.ts'
import { OLDEST_COMPOSE } from '../../stack/index.ts'

/** The oldest engine that the tests run on: Debian 13's own package. */
const OLDEST_ENGINE = '26.1.0'

/** Docker's own packages, for a system whose packages are too old. */
const DOCKER = 'https://docs.docker.com/engine/install/debian/'

/** What a server runs containers by; null for what is missing or does not answer. */
export interface EngineVersions {
  engine: string | null
  compose: string | null
}

/** Adds a problem for the engine and for Compose when it is missing or too old. */
export function judgeEngine({ engine, compose }: EngineVersions, problems: Problems): void {
  judgeVersion('Docker Engine', engine, OLDEST_ENGINE, problems)
  judgeVersion('Docker Compose', compose, OLDEST_COMPOSE, problems)
}

/** Adds a problem when a program is missing or older than `oldest`. */
export function judgeVersion(what: string, found: string | null, oldest: string, problems: Problems): void {
  if (found === null || found.trim() === '') {
    problems.add(`${what} is missing or does not answer, ${oldest} or newer is needed: install Docker's own, ${DOCKER}`)
    return
  }
  const [major = 0, minor = 0] = found
    .trim()
    .replace(/^v/, '')
    .split('.')
    .map((part) => Number.parseInt(part, 10))
  const [oldestMajor = 0, oldestMinor = 0] = oldest.split('.').map(Number)
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return
  problems.add(`${what} is ${found.trim()}, too old, ${oldest} or newer is needed: install Docker's own, ${DOCKER}`)
}
