import { writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { Failure, messageOf } from '../../src/lib/index.ts'
import { LabError, Progress } from '../lab/index.ts'
import { benchDeploy } from './deploy.ts'
import { formatTable, isWithin, type Measure } from './report.ts'
import { benchStart } from './start.ts'

const USAGE = `npm run bench -- deploy [--rounds 5] [--json FILE]   a deploy against docker compose up, rollback, unchanged, memory
npm run bench -- start [--rounds 10] [--json FILE]   what each action costs before it does anything`

try {
  process.exitCode = await main()
} catch (thrown) {
  if (!(thrown instanceof LabError || thrown instanceof Failure)) throw thrown
  process.stderr.write(`bench: ${messageOf(thrown)}\n`)
  process.exitCode = 1
}

/** @returns 0 when every measure is within what is allowed, else 1 */
async function main(): Promise<number> {
  const { name, rounds, file } = readArguments()
  const progress = new Progress(undefined, 'bench')
  const measures: Measure[] =
    name === 'deploy' ? await benchDeploy(rounds ?? 5, progress) : await benchStart(rounds ?? 10)
  process.stdout.write(`${formatTable(measures)}\n`)
  if (file !== undefined) {
    const machine = { cpus: cpus().length, model: cpus()[0]?.model ?? '', node: process.version }
    const report = { bench: name, at: new Date().toISOString(), machine, measures }
    await writeFile(file, `${JSON.stringify(report, null, 2)}\n`)
  }
  return measures.every(isWithin) ? 0 : 1
}

function readArguments(): { name: 'deploy' | 'start'; rounds: number | undefined; file: string | undefined } {
  const options = { rounds: { type: 'string' }, json: { type: 'string' } } as const
  const { values, positionals } = parse(() => parseArgs({ allowPositionals: true, options }))
  const [name, ...more] = positionals
  const rounds = values.rounds === undefined ? undefined : Number(values.rounds)
  const wrong = rounds !== undefined && !(Number.isInteger(rounds) && rounds > 0 && rounds <= 100)
  if ((name !== 'deploy' && name !== 'start') || more.length > 0 || wrong) throw new LabError(`usage:\n${USAGE}`)
  return { name, rounds, file: values.json }
}

function parse<T>(read: () => T): T {
  try {
    return read()
  } catch (thrown) {
    throw new LabError(`${messageOf(thrown)}; usage:\n${USAGE}`)
  }
}
