import { expect, test } from 'vitest'
import { testResults } from '../../../src/images/test-results.ts'

const words = (...lines: string[]) => {
  const results = testResults()
  for (const line of lines) results.line(line)
  return results.words()
}
const STEP = '#12 [test 2/2] RUN npm test'

test.each<[string, string[], string | null]>([
  [
    'node --test',
    [STEP, '#12 3.1 ℹ tests 34', '#12 3.1 ℹ pass 33', '#12 3.1 ℹ fail 0', '#12 3.2 ℹ skipped 1'],
    '33 passed, 1 skipped',
  ],
  ['its TAP', [STEP, '#12 3.1 # pass 33', '#12 3.1 # todo 0'], '33 passed'],
  [
    'vitest',
    [STEP, '#12 0.9 \u001b[2m      Tests \u001b[22m \u001b[32m12 passed\u001b[39m | 1 skipped (13)'],
    '12 passed, 1 skipped',
  ],
  ['jest', [STEP, '#12 0.9 Tests:       1 skipped, 12 passed, 13 total'], '1 skipped, 12 passed'],
  ['mocha', [STEP, '#12 0.9   7 passing (12ms)'], '7 passing'],
  ['a runner that nobody knows', [STEP, '#12 0.9 all fine', '#12 DONE 1.0s'], 'passed'],
  ['a step that did not have to run again', [STEP, '#12 CACHED'], 'passed before, with the same files (cached)'],
  ['a step of a stage without a name', ['#7 [3/4] RUN make test', '#7 0.1 7 passing'], '7 passing'],
  ['a build without tests', ['#7 [2/2] RUN npm ci', '#7 0.1 # pass 3', '#8 [latest 1/2] RUN make'], null],
  [
    'what another step says',
    [STEP, '#13 [build 2/2] RUN npm run build', '#13 0.1 # pass 99', '#12 1.0 # pass 3'],
    '3 passed',
  ],
])('the results of %s', (_, lines, expected) => {
  expect(words(...lines)).toBe(expected)
})
