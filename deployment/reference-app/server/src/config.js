import { readFileSync } from 'node:fs'
import { z } from 'zod'

const port = z.coerce.number('is no port').int('is no port').min(0, 'is no port').max(65535, 'is no port')

const environment = z.object({
  PORT: port.default(3000),
  METRICS_PORT: port.default(9464),
  ORTHANC_URL: z.url({ protocol: /^https?$/, error: 'is missing or no http(s) URL, for example http://orthanc:8042' }),
  ORTHANC_USERNAME: z.string('is missing').min(1, 'is empty'),
  ORTHANC_PASSWORD_FILE: z.string('is missing: the file that holds the password of ORTHANC_USERNAME'),
  LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
      error: 'is none of fatal, error, warn, info, debug, trace, silent',
    })
    .default('info'),
  PACS_COMMIT: z.string().default('development'),
  PACS_VERSION: z.string().default('0.0.0-development'),
  PACS_INSTANCE: z.string().default('standalone'),
})

/**
 * @typedef {{
 *   port: number, metricsPort: number, logLevel: string,
 *   orthanc: { url: string, username: string, password: string },
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
 * Reads the configuration once, from the environment and the secret file that it names.
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
  return {
    port: values.PORT,
    metricsPort: values.METRICS_PORT,
    logLevel: values.LOG_LEVEL,
    orthanc: {
      url: values.ORTHANC_URL,
      username: values.ORTHANC_USERNAME,
      password: readSecret('ORTHANC_PASSWORD_FILE', values.ORTHANC_PASSWORD_FILE),
    },
    release: { version: values.PACS_VERSION, commit: values.PACS_COMMIT, instance: values.PACS_INSTANCE },
  }
}

/**
 * @param {string} variable
 * @param {string} file
 */
function readSecret(variable, file) {
  let secret
  try {
    secret = readFileSync(file, 'utf8').trimEnd()
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : error
    throw new ConfigError([`${variable} names ${file}, which cannot be read (${code})`])
  }
  if (secret === '') throw new ConfigError([`${variable} names ${file}, which is empty`])
  return secret
}
