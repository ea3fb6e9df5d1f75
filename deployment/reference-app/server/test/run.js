// `node --test` runs the tests of one process one after the other, and a process for each file costs more than the tests do. Most of
// them wait: for a program that starts, a stop, a password's proof.
import { dirname } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'

const AT_A_TIME = 4

const tests = run({
  cwd: dirname(import.meta.dirname),
  globPatterns: ['test/*.test.js'],
  isolation: 'none',
  concurrency: AT_A_TIME,
  timeout: 120_000,
})
tests.on('test:summary', ({ success }) => {
  if (!success) process.exitCode = 1
})
tests.compose(spec).pipe(process.stdout)
