import { writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { Failure, messageOf } from '../../src/lib/index.ts'
import { LabError, Progress } from '../lab/index.ts'
import { benchBackup } from './backup.ts'
import { benchDeploy } from './deploy.ts'
import { benchBuild, benchPush, benchScan } from './images.ts'
import { benchMigrate } from './migrate.ts'
import { formatTable, isWithin, type Measure } from './report.ts'
import { benchStack } from './stack.ts'
import { benchStart } from './start.ts'

const USAGE = `npm run bench -- deploy [--rounds 5] [--json FILE]   a deploy against docker compose up, rollback, unchanged, memory
npm run bench -- start [--rounds 10] [--json FILE]   what each action costs before it does anything
npm run bench -- build|scan|push [--rounds 5] [--json FILE]   the steps of the build job against docker buildx build, trivy image and nothing
npm run bench -- migrate [--rounds 5] [--documents 20000] [--json FILE]   migrations against migrate-mongo and the bare driver
npm run bench -- backup [--rounds 3] [--documents 1000000] [--instances 2000] [--json FILE]   dump, second backup, verification, memory
npm run bench -- stack [--rounds 3] [--json FILE]   cold start of the shipped stack, its edge against the API itself, health check, alerts`

interface Options {
  rounds: number | undefined
  documents: number | undefined
  instances: number | undefined
  progress: Progress
}

const BENCHES: Readonly<Record<string, (options: Options) => Promise<Measure[]>>> = {
  deploy: ({ rounds = 5, progress }) => benchDeploy(rounds, progress),
  stack: ({ rounds = 3, progress }) => benchStack(rounds, progress),
  start: ({ rounds = 10 }) => benchStart(rounds),
  build: ({ rounds = 5, progress }) => benchBuild(rounds, progress),
  scan: ({ rounds = 5, progress }) => benchScan(rounds, progress),
  push: ({ rounds = 5, progress }) => benchPush(rounds, progress),
  migrate: ({ rounds = 5, documents = 20_000, progress }) => benchMigrate(rounds, documents, progress),
  backup: ({ rounds = 3, documents = 1_000_000, instances = 2000, progress }) =>
    benchBackup({ rounds, documents, instances }, progress),
}

try {
  process.exitCode = await main()
} catch (thrown) {
  if (!(thrown instanceof LabError || thrown instanceof Failure)) throw thrown
  process.stderr.write(`bench: ${messageOf(thrown)}\n`)
  process.exitCode = 1
}

/** @returns 0 when every measure is within what is allowed, else 1 */
async function main(): Promise<number> {
  const { values, positionals } = parse(() =>
    parseArgs({
      allowPositionals: true,
      options: {
        rounds: { type: 'string' },
        documents: { type: 'string' },
        instances: { type: 'string' },
        json: { type: 'string' },
      },
    }),
  )
  const [name = '', ...more] = positionals
  const bench = Object.hasOwn(BENCHES, name) ? BENCHES[name] : undefined
  if (bench === undefined || more.length > 0) throw new LabError(`usage:\n${USAGE}`)
  const measures = await bench({
    rounds: count('rounds', values.rounds, 100),
    documents: count('documents', values.documents, 10_000_000),
    instances: count('instances', values.instances, 100_000),
    progress: new Progress(undefined, 'bench'),
  })
  process.stdout.write(`${formatTable(measures)}\n`)
  if (values.json !== undefined) {
    const machine = { cpus: cpus().length, model: cpus()[0]?.model ?? '', node: process.version }
    const report = { bench: name, at: new Date().toISOString(), machine, measures }
    await writeFile(values.json, `${JSON.stringify(report, null, 2)}\n`)
  }
  return measures.every(isWithin) ? 0 : 1
}

function count(name: string, given: string | undefined, most: number): number | undefined {
  if (given === undefined) return undefined
  const value = Number(given)
  if (!Number.isInteger(value) || value < 1 || value > most) {
    throw new LabError(`--${name} is "${given}"; allowed are 1 to ${most}; usage:\n${USAGE}`)
  }
  return value
}

function parse<T>(read: () => T): T {
  try {
    return read()
  } catch (thrown) {
    throw new LabError(`${messageOf(thrown)}; usage:\n${USAGE}`)
  }
}
