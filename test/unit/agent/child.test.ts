import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { z } from 'zod'
import { runChild } from '../../../src/agent/data/child.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pacs-child-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

/** Runs a child whose program is `text`. @returns its value and what it said */
async function child(text: string, progress?: (message: string) => Promise<void>, signal?: AbortSignal) {
  const script = join(directory, 'child.mjs')
  await writeFile(script, text)
  const said: string[] = []
  const say = async (message: string) => void said.push(message)
  const report = { step: (_step: string, message: string) => say(message), progress: progress ?? say, note: say }
  const options = { script, path: '', report, timeout: 20_000, ...(signal ? { signal } : {}) }
  const value = await runChild({ work: 'test' }, z.string(), options)
  return { value, said }
}

it('passes on what is ours, in order, and nothing that a migration prints itself', async () => {
  const { value, said } = await child(`
    const say = (line) => console.log(JSON.stringify(line))
    say({ type: 'note', message: 'one' })
    console.log('Doe^Jane 1970-01-01')
    console.log('{"patient":"Doe^Jane"}')
    say({ type: 'progress', message: 'two' })
    say({ type: 'done', value: 'three' })
  `)
  expect({ value, said }).toEqual({ value: 'three', said: ['one', 'two'] })
})

it('fails as the child failed, and says so of one that ends without a word', async () => {
  const failed = `console.log(JSON.stringify({ type: 'failed', kind: 'locked', message: 'someone else' }))`
  await expect(child(failed)).rejects.toMatchObject({ kind: 'locked', message: 'someone else' })
  await expect(child('process.exitCode = 3')).rejects.toMatchObject({
    kind: 'failed',
    message: 'the work on the data ended with 3: no message',
  })
  await expect(child(`process.kill(process.pid, 'SIGKILL')`)).rejects.toMatchObject({
    kind: 'failed',
    message: expect.stringMatching(/^the work on the data was killed.* ask again$/),
  })
})

it('that takes too long is ended, and called by what it did', async () => {
  const script = join(directory, 'child.mjs')
  await writeFile(script, 'setInterval(() => undefined, 1000)')
  const silent = { step: async () => {}, progress: async () => {}, note: async () => {} }
  const ended = runChild({ work: 'verify' }, z.null(), { script, path: '', report: silent, timeout: 100 })
  await expect(ended).rejects.toThrow(/^the verification took longer than 0\.1 s and was ended$/)
})

it('that says too much is ended, and how far it came is told', async () => {
  const text = `
    const running = setInterval(() => undefined, 1000)
    process.once('SIGTERM', () => {
      console.log(JSON.stringify({ type: 'failed', kind: 'failed', message: '005 is undone, 004 is not' }))
      clearInterval(running)
    })
    process.stdout.write(('x'.repeat(1024 * 1024) + '\\n').repeat(65))
  `
  await expect(child(text)).rejects.toMatchObject({
    kind: 'error',
    message: 'the work on the data printed more than 64 MiB: 005 is undone, 004 is not',
  })
})

it('fails, and nothing else does, where what it says cannot be written', async () => {
  const unhandled: unknown[] = []
  const hear = (thrown: unknown) => void unhandled.push(thrown)
  process.on('unhandledRejection', hear)
  try {
    const full = async () => Promise.reject(new Error('ENOSPC: no space left'))
    const text = `
      console.log(JSON.stringify({ type: 'progress', message: 'one' }))
      process.stdin.once('end', () => console.log(JSON.stringify({ type: 'done', value: 'three' }))).resume()
    `
    await expect(child(text, full)).rejects.toThrow('ENOSPC')
    expect(unhandled).toEqual([])
  } finally {
    process.off('unhandledRejection', hear)
  }
})

it.each([
  ['is done where it had done it by then', `{ type: 'done', value: 'three' }`, { value: 'three' }],
  [
    'ends as it was asked to otherwise',
    `{ type: 'failed', kind: 'failed', message: 'ended' }`,
    'an abort was asked for',
  ],
])('that is ended under way %s', async (_, last, expected) => {
  const ending = new AbortController()
  const text = `
    const say = (line) => console.log(JSON.stringify(line))
    const running = setInterval(() => undefined, 1000)
    process.once('SIGTERM', () => {
      say(${last})
      clearInterval(running)
    })
    say({ type: 'progress', message: 'one' })
  `
  const abort = async () => ending.abort(new Error('an abort was asked for'))
  const ended = child(text, abort, ending.signal)
  if (typeof expected === 'string') await expect(ended).rejects.toThrow(expected)
  else expect(await ended).toMatchObject(expected)
})

it('is ended before any service where the memory of the machine runs out', async () => {
  const running = spawn(process.execPath, ['src/agent/main.ts', 'work'], { stdio: ['pipe', 'ignore', 'ignore'] })
  const score = () => readFile(`/proc/${running.pid}/oom_score_adj`, 'utf8')
  try {
    // It waits for its work as long as its input is open.
    await expect.poll(score, { timeout: 20_000 }).toBe('500\n')
  } finally {
    running.kill('SIGKILL')
    await once(running, 'exit')
  }
})
