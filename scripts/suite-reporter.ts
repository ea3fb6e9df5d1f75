// A vitest reporter beside the one for people: vitest's own JSON leaves out why a test was skipped and what failed outside of tests.
import { writeFileSync } from 'node:fs'
import type { Reporter, SerializedError, TestModule } from 'vitest/node'
import type { FileReport, SuiteReport } from './suite-report.ts'

/** Writes a {@link SuiteReport} to the file that PACS_SUITE_REPORT names. */
export default class SuiteReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const path = process.env.PACS_SUITE_REPORT
    if (path === undefined) throw new Error('PACS_SUITE_REPORT is not set')
    const report: SuiteReport = { errors: unhandled.map(textOf), files: modules.map(fileReport) }
    writeFileSync(path, JSON.stringify(report))
  }
}

function fileReport(module: TestModule): FileReport {
  const suites = [...module.children.allSuites()]
  const errors = [...module.errors(), ...suites.flatMap((suite) => suite.errors())].map(textOf)
  const tests = [...module.children.allTests()].map((test) => {
    const result = test.result()
    if (result.state === 'pending') {
      return { name: test.fullName, state: 'failed' as const, note: '', messages: ['it did not end'] }
    }
    return {
      name: test.fullName,
      state: result.state,
      note: result.state === 'skipped' ? (result.note ?? '') : '',
      messages: (result.errors ?? []).map(textOf),
    }
  })
  if (module.state() === 'pending' || module.state() === 'queued') errors.push('the file did not end')
  return { file: module.relativeModuleId, errors, tests }
}

function textOf(error: SerializedError): string {
  return `${error.name ?? 'Error'}: ${error.message}`
}
