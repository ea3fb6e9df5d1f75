import { z } from 'zod'

/** One test as it ended; `note` says why a skipped one was skipped, `messages` why a failed one failed. */
const testSchema = z.object({
  name: z.string(),
  state: z.enum(['passed', 'failed', 'skipped']),
  note: z.string(),
  messages: z.array(z.string()),
})

/** One test file. `errors` are those outside of any test: in its hooks, or while it was read. */
const fileSchema = z.object({ file: z.string(), errors: z.array(z.string()), tests: z.array(testSchema) })
export type FileReport = z.infer<typeof fileSchema>

/** What one run of vitest saw. `errors` belong to no file, such as an unhandled rejection. */
export const suiteReportSchema = z.object({ errors: z.array(z.string()), files: z.array(fileSchema) })
export type SuiteReport = z.infer<typeof suiteReportSchema>

export interface Totals {
  passed: number
  failed: number
  skipped: number
}

/** Counts tests; errors outside of tests count as failures, since a hook that throws leaves its tests skipped. */
export function totalsOf(reports: readonly SuiteReport[]): Totals {
  const files = reports.flatMap((report) => report.files)
  const tests = files.flatMap((file) => file.tests)
  const count = (state: string) => tests.filter((test) => test.state === state).length
  const outside = [...reports, ...files].reduce((sum, { errors }) => sum + errors.length, 0)
  return { passed: count('passed'), failed: count('failed') + outside, skipped: count('skipped') }
}

/** Whether a file failed because the lab could not start, which says nothing about the product. */
export function failedByLab(file: FileReport): boolean {
  const messages = [...file.errors, ...file.tests.flatMap((test) => test.messages)]
  return messages.some((message) => message.startsWith('LabError:'))
}

/** `report` with the files of `again` in place of its own: what a second try saw counts. */
export function replaceFiles(report: SuiteReport, again: SuiteReport): SuiteReport {
  const repeated = new Map(again.files.map((file) => [file.file, file]))
  return {
    errors: [...report.errors, ...again.errors],
    files: report.files.map((file) => repeated.get(file.file) ?? file),
  }
}

/** Skipped tests with their reasons; those of a file whose hook failed are left out, the failure is their reason. */
export function skippedLines(reports: readonly SuiteReport[]): string[] {
  return reports
    .flatMap((report) => report.files)
    .filter((file) => file.errors.length === 0)
    .flatMap((file) => file.tests.filter((test) => test.state === 'skipped').map((test) => ({ file, test })))
    .map(({ file, test }) => `skipped: ${file.file}: ${test.name}: ${test.note || 'no reason given'}`)
}

/** How much of a failure's message is repeated at the end: enough for an assertion and its figures. */
const MESSAGE_LENGTH = 600

/** Failed tests and what failed outside of tests, each with the beginning of its message: a long log is read from its end. */
export function failedLines(reports: readonly SuiteReport[]): string[] {
  const line = (place: string, message: string) => `failed: ${place}: ${message.slice(0, MESSAGE_LENGTH)}`
  return reports.flatMap((report) => [
    ...report.errors.map((error) => line('outside of every file', error)),
    ...report.files.flatMap(({ file, errors, tests }) => [
      ...errors.map((error) => line(file, error)),
      ...tests
        .filter((test) => test.state === 'failed')
        .map((test) => line(`${file}: ${test.name}`, test.messages.join('\n'))),
    ]),
  ])
}

/** The last line of `npm test`. */
export function totalsLine({ passed, failed, skipped }: Totals): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`
}
