import { defineConfig } from 'vitest/config'

/** Real servers, engines and builds: one file at a time, with limits for hooks that start a lab from nothing. */
const onRealParts = {
  environment: 'node',
  fileParallelism: false,
  testTimeout: 10 * 60_000,
  hookTimeout: 30 * 60_000,
  teardownTimeout: 2 * 60_000,
} as const

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          environment: 'node',
          // Left to itself vitest leaves one core free, which on two cores is half of the machine.
          maxWorkers: '100%',
          // Files share what they import, which was half of their cost; each undoes what it changes of the process.
          isolate: false,
          // What takes seconds alone takes a busy machine many times as long.
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      { test: { name: 'integration', include: ['test/integration/**/*.test.ts'], ...onRealParts } },
      // What takes too long for every run: npm test -- full.
      { test: { name: 'full', include: ['test/full/**/*.test.ts'], ...onRealParts } },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          globalSetup: ['test/e2e/shared-lab.ts'],
          ...onRealParts,
        },
      },
    ],
  },
})
