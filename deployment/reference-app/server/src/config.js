import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { readUsers } from './log-in/users.js'

const port = z.coerce.number('is no port').int('is no port').min(0, 'is no port').max(65535, 'is no port')

const environment = z.object({
  PORT: port.default(3000),
  METRICS_PORT: port.default(9464),
  ORTHANC_URL: z.url({ protocol: /^https?$/, error: 'is missing or no http(s) URL, for example http://orthanc:8042' }),
  ORTHANC_USERNAME: z.string('is missing').min(1, 'is empty'),
  ORTHANC_PASSWORD_FILE: z.string('is missing: the file that holds the password of ORTHANC_USERNAME'),
  MONGODB_URL: z.url({
    protocol: /^mongodb(\+srv)?$/,
    error: 'is missing or no URL like mongodb://mongodb:27017/pacs?directConnection=true',
  }),
  MONGODB_USERNAME: z.string('is missing').min(1, 'is empty'),
  MONGODB_PASSWORD_FILE: z.string('is missing: the file that holds the password of MONGODB_USERNAME'),
  REDIS_URL: z.url({ protocol: /^rediss?$/, error: 'is missing or no URL like redis://redis:6379' }),
  REDIS_USERNAME: z.string('is missing').min(1, 'is empty'),
  REDIS_PASSWORD_FILE: z.string('is missing: the file that holds the password of REDIS_USERNAME'),
  USERS_FILE: z.string('is missing: the file of those who may log in'),
  SESSION_KEY_FILE: z.string('is missing: the file that holds the key of sessions'),
  LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
      error: 'is none of fatal, error, warn, info, debug, trace, silent',
    })
    .default('info'),
  PACS_COMMIT: z.string().default('development'),
  PACS_VERSION: z.string().default('0.0.0-development'),
  PACS_INSTANCE: z.string().default('standalone'),
})

/** Characters that the key of sessions has at least. */
const KEY_LENGTH = 32

/**
 * @typedef {{ url: string, username: string, password: string }} Access
 * @typedef {{
 *   port: number, metricsPort: number, logLevel: string,
 *   orthanc: Access, mongodb: Access, redis: Access,
 *   users: import('./log-in/users.js').Users, sessionKey: string,
 *   release: { version: string, commit: string, instance: string },
 * }} Config
 */

/** What is wrong with the environment, one line for each variable. */
export class ConfigError extends Error {
  /** @param {string[]} problems */
  constructor(problems) {
    super(problems.join('\n'))
    this.problems = problems
  }
}

/**
 * Reads the configuration once, from the environment and the secret files that it names.
 * @param {NodeJS.ProcessEnv} env
 * @returns {Config}
 * @throws {ConfigError} with everything that is wrong
 */
export function readConfig(env) {
  const parsed = environment.safeParse(env)
  if (!parsed.success) {
    throw new ConfigError(parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`))
  }
  const values = parsed.data
  /** @type {string[]} */
  const problems = []
  const secret = (
    /** @type {'ORTHANC_PASSWORD_FILE' | 'MONGODB_PASSWORD_FILE' | 'REDIS_PASSWORD_FILE' | 'SESSION_KEY_FILE'} */ variable,
  ) => read(variable, values[variable], problems, readSecret) ?? ''
  const config = {
    port: values.PORT,
    metricsPort: values.METRICS_PORT,
    logLevel: values.LOG_LEVEL,
    orthanc: { url: values.ORTHANC_URL, username: values.ORTHANC_USERNAME, password: secret('ORTHANC_PASSWORD_FILE') },
    mongodb: { url: values.MONGODB_URL, username: values.MONGODB_USERNAME, password: secret('MONGODB_PASSWORD_FILE') },
    redis: { url: values.REDIS_URL, username: values.REDIS_USERNAME, password: secret('REDIS_PASSWORD_FILE') },
    users: read('USERS_FILE', values.USERS_FILE, problems, readUsers) ?? new Map(),
    sessionKey: secret('SESSION_KEY_FILE'),
    release: { version: values.PACS_VERSION, commit: values.PACS_COMMIT, instance: values.PACS_INSTANCE },
  }
  if (problems.length === 0 && config.sessionKey.length < KEY_LENGTH) {
    problems.push(`SESSION_KEY_FILE names ${values.SESSION_KEY_FILE}, which has fewer than ${KEY_LENGTH} characters`)
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return config
}

/**
 * @template T
 * @param {string} variable
 * @param {string} file
 * @param {string[]} problems what is wrong is added here
 * @param {(file: string) => T} reader
 */
function read(variable, file, problems, reader) {
  try {
    return reader(file)
  } catch (error) {
    const why = error instanceof Error ? ('code' in error ? `cannot be read (${error.code})` : error.message) : error
    problems.push(`${variable} names ${file}, which ${why}`)
    return undefined
  }
}

/** @param {string} file */
function readSecret(file) {
  const secret = readFileSync(file, 'utf8').trimEnd()
  if (secret === '') throw new Error('is empty')
  return secret
}
