import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Failure } from '../../../src/lib/index.ts'
import { askRegistry } from '../../../src/release/index.ts'

const IMAGE = `ghcr.io/org/pacs/release@sha256:${'a'.repeat(64)}`
const signal = new AbortController().signal

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pacs-registry-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

/** A pull by a docker client that says `said` and fails, `times` times; what it came to, and the pauses in between. */
async function pull(said: string, times = 99) {
  const docker = `#!/bin/sh
echo x >>"$CALLS"
[ "$(wc -l <"$CALLS")" -gt ${times} ] && exit 0
cat "$SAID" >&2
exit 1
`
  const [calls, text] = [join(directory, 'calls'), join(directory, 'said')]
  await writeFile(join(directory, 'docker'), docker, { mode: 0o755 })
  await writeFile(text, said)
  const env = { PATH: `${directory}:/usr/bin:/bin`, CALLS: calls, SAID: text }
  const pauses: number[] = []
  const pause = async (ms: number) => void pauses.push(ms)
  const pulled = askRegistry('pull', IMAGE, ['pull', IMAGE], { env, signal, pause, log: () => undefined })
  const outcome = await pulled.catch((thrown: unknown) => thrown)
  return { outcome, pauses, calls: (await readFile(calls, 'utf8')).split('\n').length - 1 }
}

describe('a registry that refuses a pull', () => {
  // What docker 26 prints for these answers.
  test.each([
    [
      '401',
      'Error: unauthorized: authentication required',
      'refused',
      1,
      /asks for another login \(401\): check user name/,
    ],
    [
      '403',
      'error parsing HTTP 403 response body: denied',
      'refused',
      1,
      /\(403\): give the token the right to read pack/,
    ],
    [
      '429',
      'toomanyrequests: slow down',
      'error',
      4,
      /did not do it: toomanyrequests: slow down; try again later \(tried 4/,
    ],
    [
      '500',
      'received unexpected HTTP status: 500 Internal Server Error',
      'error',
      4,
      /: 500 Internal Server Error; try/,
    ],
    [
      '502',
      'HTTP 502 response body: invalid character \'<\': "<html>"',
      'error',
      4,
      /did not do it: HTTP 502 .*; try again/,
    ],
    [
      'HTML',
      "HTTP 200 response body: invalid character '<'",
      'refused',
      1,
      /answered with a web page, no registry: is the/,
    ],
  ])('with %s is told in one line with what to do', async (_, said, kind, calls, message) => {
    const pulled = await pull(`first line\n${said}\n`)
    expect(pulled.outcome).toBeInstanceOf(Failure)
    expect(pulled.outcome).toMatchObject({ kind, message: expect.stringMatching(message) })
    expect(String(pulled.outcome)).toContain(`pull ${IMAGE}: `)
    expect(String(pulled.outcome)).not.toContain('\n')
    expect(pulled.calls).toBe(calls)
  })

  test('for a moment is asked again after the pause that it names', async () => {
    const { outcome, pauses } = await pull('429 Too Many Requests\nRetry-After: 30\n', 2)
    expect(outcome).toBe('')
    expect(pauses).toEqual([30_000, 30_000])
  })

  test('for longer than a minute is not waited for', async () => {
    const { outcome, calls } = await pull('toomanyrequests: retry-after: 3600s\n')
    expect(outcome).toMatchObject({ kind: 'error' })
    expect(calls).toBe(1)
  })
})
