// npm test [-- unit|integration|e2e|full …]: first unit, then the suites on real parts side by side, since each of them mostly waits
// for its servers; the last line counts all of them. `full` runs only when it is named.
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { formatDuration, messageOf, tryRun } from '../src/lib/index.ts'
import { inheritedEnvironment } from './environment.ts'
import {
  failedByLab,
  failedLines,
  replaceFiles,
  type SuiteReport,
  skippedLines,
  suiteReportSchema,
  totalsLine,
  totalsOf,
} from './suite-report.ts'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const SUITES = ['unit', 'integration', 'e2e', 'full'] as const
const WHEN_NAMED: readonly string[] = ['full']
type Suite = (typeof SUITES)[number]

/** Milliseconds of silence after which a line says that a suite still runs. */
const QUIET = 20_000

const asked = process.argv.slice(2)
const unknown = asked.filter((name) => !SUITES.some((suite) => suite === name))
if (unknown.length > 0) {
  process.stderr.write(`no suite is named ${unknown.join(', ')}; there are ${SUITES.join(', ')}\n`)
  process.exit(40)
}

const abort = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => abort.abort(new Error(`ended by ${signal}`)))
}

const chosen = SUITES.filter((suite) => (asked.length === 0 ? !WHEN_NAMED.includes(suite) : asked.includes(suite)))
const first = chosen.filter((suite) => suite === 'unit')
const onRealParts = chosen.filter((suite) => suite !== 'unit')
const reports: SuiteReport[] = []
for (const beside of [first, onRealParts]) {
  const say = (suite: Suite) => (line: string) =>
    console.log(beside.length > 1 ? `${suite.padEnd(11)} | ${line}` : line)
  reports.push(...(await Promise.all(beside.map((suite) => runSuite(suite, say(suite))))))
}
for (const line of [...skippedLines(reports), ...failedLines(reports)]) console.log(line)
const totals = totalsOf(reports)
if (totals.passed + totals.failed === 0) console.log('no test ran: that is a failure')
process.exitCode = totals.failed === 0 && totals.passed > 0 ? 0 : 1
console.log(totalsLine(totals))

/** Runs a suite; files whose lab could not start get a second try. */
async function runSuite(suite: Suite, say: (line: string) => void): Promise<SuiteReport> {
  say(`=== ${suite}`)
  const first = await vitest(suite, [], say)
  const again = first.files.filter(failedByLab).map((file) => file.file)
  if (again.length === 0) return first
  say(`=== ${suite}: the lab could not start for ${again.join(', ')}: trying once more`)
  return replaceFiles(first, await vitest(suite, again, say))
}

/** One run of vitest over `suite`, or over `files` of it. A run that leaves no report counts as one failure. */
async function vitest(suite: Suite, files: readonly string[], say: (line: string) => void): Promise<SuiteReport> {
  const directory = await mkdtemp(join(tmpdir(), 'pacs-deploy-tests-'))
  const path = join(directory, 'report.json')
  const args = [
    join(root, 'node_modules/vitest/vitest.mjs'),
    'run',
    '--passWithNoTests',
    `--project=${suite}`,
    `--reporter=${suite === 'unit' ? 'default' : 'verbose'}`,
    `--reporter=${join(root, 'scripts/suite-reporter.ts')}`,
    ...files,
  ]
  const started = Date.now()
  let spoke = started
  const heartbeat = setInterval(() => {
    if (Date.now() - spoke > QUIET) say(`… ${suite}: ${formatDuration(Date.now() - started)} so far`)
  }, QUIET)
  try {
    const { code } = await tryRun(process.execPath, args, {
      cwd: root,
      env: { ...inheritedEnvironment(), PACS_SUITE_REPORT: path },
      signal: abort.signal,
      onLine: (line) => {
        spoke = Date.now()
        say(line)
      },
    })
    const report = suiteReportSchema.parse(JSON.parse(await readFile(path, 'utf8')))
    const silent = code !== 0 && totalsOf([report]).failed === 0
    return silent ? { ...report, errors: [`vitest ended with ${code}, though no test failed`] } : report
  } catch (error) {
    const message = `${suite}: vitest left no report (${messageOf(error)})`
    say(message)
    return { errors: [message], files: [] }
  } finally {
    clearInterval(heartbeat)
    await rm(directory, { recursive: true, force: true })
  }
}
