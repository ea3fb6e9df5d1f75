import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { badInput, exitClass, Failure, messageOf, parseDuration, parseEnvFile, replaceFile } from '../../lib/index.ts'
import { askAgent } from './agent.ts'
import { parseChecksFile } from './checks-file.ts'
import { type ContainerFigures, containerFigures } from './container-figures.ts'
import { listContainers } from './containers.ts'
import { type PlannedCheck, planChecks } from './plan.ts'
import { asPrometheus, asTable, changesSince, examine, type Report } from './report.ts'

export const USAGE = `usage: health-check.js [--format table|json|prometheus] [--url https://HOST/] [--release ID] [--strict]
                       [--checks FILE] [--secrets FOLDER] [--ca-file PEM] [--engine SOCKET] [--timeout 1500ms] [--output FILE]

Asks every service of the stack on this machine in its own protocol, all at once. Needs no agent, but the right to ask the engine.
  --format    prometheus also holds memory, processor time and restarts of each container
  --url       the public entry: page, release, certificate (default: PACS_PUBLIC_URL)
  --release   the release that must serve
  --checks    what is checked (default: health-checks.json beside this program)
  --secrets   where passwords lie, beside the .env with the stack's variables (default: /opt/pacs/config/next/secrets)
  --output    replaces FILE at once instead of printing, for a textfile collector; also with what an engine's silence means: down.
              What is not as the metrics in FILE say is printed, a line for each check
Exits with 0 when all is up, 1 when something is degraded (11 with --strict), 11 when something critical is down, 22 when it
fails itself, 40 for bad input, 50 when the engine does not answer.`

/** Exit code of a stack that works, but not as it should. */
const DEGRADED = 1
const FORMATS: Readonly<Record<string, (report: Report, figures: readonly ContainerFigures[]) => string>> = {
  table: asTable,
  prometheus: asPrometheus,
  json: (report) => `${JSON.stringify(report)}\n`,
}

const options = {
  format: { type: 'string', default: 'table' },
  url: { type: 'string' },
  release: { type: 'string' },
  strict: { type: 'boolean', default: false },
  checks: { type: 'string' },
  secrets: { type: 'string', default: '/opt/pacs/config/next/secrets' },
  'ca-file': { type: 'string' },
  engine: { type: 'string', default: '/var/run/docker.sock' },
  timeout: { type: 'string', default: '1500ms' },
  output: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const

export interface Place {
  /** The program's own path, beside which its file of checks lies. */
  script: string
  env: Readonly<Record<string, string | undefined>>
  print: (text: string) => void
}

/** Runs `health-check.js`. @returns its exit code. @throws Failure for what a person mends */
export async function healthCheck(args: readonly string[], { script, env, print }: Place): Promise<number> {
  const values = read(args)
  if (values.help) {
    print(`${USAGE}\n`)
    return exitClass.ok
  }
  const format = Object.entries(FORMATS).find(([name]) => name === values.format)?.[1]
  if (!format) throw badInput(`--format is "${values.format}"; allowed: ${Object.keys(FORMATS).join(', ')}`)
  const limit = parseDuration('--timeout', values.timeout)
  const publicUrl = values.url ?? env.PACS_PUBLIC_URL
  if (publicUrl !== undefined && !/^https:\/\/[^@]+$/.test(publicUrl)) {
    throw badInput(`--url is "${publicUrl}"; write https://HOST/, without user and password`)
  }
  const path = values.checks ?? join(dirname(script), 'health-checks.json')
  const { secrets, release } = values
  // Without one, as where it may not be read, the defaults hold.
  const variables = parseEnvFile(await readFile(join(dirname(secrets), '.env'), 'utf8').catch(() => ''))
  const file = parseChecksFile(path, await text('--checks', path), variables)
  const ca = values['ca-file'] === undefined ? undefined : await text('--ca-file', values['ca-file'])
  const [containers, agent] = await Promise.all([
    listContainers(values.engine, file.project, limit).catch(silence),
    file.agent === undefined ? null : askAgent(file.agent, limit),
  ])
  const planned =
    containers instanceof Failure
      ? [silentEngine(containers)]
      : planChecks({ file, containers, agent, publicUrl, ca, limit, secrets, release })
  const counted = values.format === 'prometheus' && !(containers instanceof Failure) ? containers : []
  const [report, figures] = await Promise.all([
    examine(planned, { patience: limit }),
    containerFigures(values.engine, counted, limit),
  ])
  if (values.output !== undefined) {
    const before = await readFile(values.output, 'utf8').catch(() => '')
    await replaceFile(values.output, format(report, figures), 0o644)
    if (values.format === 'prometheus')
      print(
        changesSince(before, report)
          .map((line) => `${line}\n`)
          .join(''),
      )
  } else if (!(containers instanceof Failure)) print(format(report, figures))
  if (containers instanceof Failure) throw containers
  if (report.state === 'up') return exitClass.ok
  return report.state === 'degraded' && !values.strict ? DEGRADED : exitClass.unhealthy
}

/** An engine that does not answer, which a collector must read too: it would go on showing what was written last. */
function silence(thrown: unknown): Failure {
  if (thrown instanceof Failure && thrown.kind === 'unreachable') return thrown
  throw thrown
}

function silentEngine({ message }: Failure): PlannedCheck {
  const look = async () => ({ ok: false, detail: message })
  return { service: 'engine', critical: true, check: { name: 'containers', look } }
}

function read(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, strict: true }).values
  } catch (thrown) {
    throw badInput(`${messageOf(thrown)} (--help)`)
  }
}

async function text(option: string, path: string): Promise<string> {
  if (!existsSync(path)) throw badInput(`${option}: there is no ${path}`)
  return readFile(path, 'utf8').catch((thrown: unknown) => {
    throw badInput(`${option}: ${path} cannot be read: ${messageOf(thrown)}`)
  })
}
