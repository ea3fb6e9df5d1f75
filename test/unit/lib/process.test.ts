import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { redactor, run, tryRun } from '../../../src/lib/index.ts'

const node = process.execPath
const script = (code: string) => ['-e', code]

describe('tryRun', () => {
  it('gives output and exit code, whatever the code', async () => {
    const result = await tryRun(node, script('console.log("out"); console.error("err"); process.exitCode = 7'), {
      env: {},
    })
    expect(result).toEqual({ stdout: 'out', stderr: 'err', code: 7 })
  })

  it('hands over nothing of its own environment', async () => {
    process.env.PACS_TEST_INHERITED = 'yes'
    const { stdout } = await tryRun(node, script('console.log(JSON.stringify(process.env))'), { env: { ONLY: 'this' } })
    expect(JSON.parse(stdout)).toEqual({ ONLY: 'this' })
  })

  it('passes arguments as they are, never through a shell', async () => {
    const args = ['$(id)', '; exit 3', "a'b", 'a\nb', '']
    const { stdout } = await tryRun(
      node,
      [...script('console.log(JSON.stringify(process.argv.slice(1)))'), '--', ...args],
      { env: {} },
    )
    expect(JSON.parse(stdout)).toEqual(args)
  })

  it('gives the child its input, and an empty one where there is none', async () => {
    const cat = script('process.stdin.pipe(process.stdout)')
    expect((await tryRun(node, cat, { env: {}, input: 'bytes' })).stdout).toBe('bytes')
    expect((await tryRun(node, cat, { env: {} })).stdout).toBe('')
  })

  it('gives the child a stream, and ends it when the stream breaks', async () => {
    const cat = script('process.stdin.pipe(process.stdout)')
    expect((await tryRun(node, cat, { env: {}, input: Readable.from(['a', 'stream']) })).stdout).toBe('astream')
    const broken = createReadStream('/there/is/no/such/file')
    await expect(tryRun(node, cat, { env: {}, input: broken })).rejects.toThrow(/no such file/)
    const early = await tryRun(node, script('process.exit(3)'), { env: {}, input: createReadStream('/dev/zero') })
    expect(early.code).toBe(3)
  })

  it('reports the signal that ended a child as 128 and its number', async () => {
    const result = await tryRun(node, script('process.kill(process.pid, "SIGKILL")'), { env: {} })
    expect(result.code).toBe(137)
  })

  it('hands over each line while the child still runs', async () => {
    const abort = new AbortController()
    const seen: string[] = []
    const endless = script('console.log("one\\ntwo"); console.error("three"); setInterval(() => {}, 1000)')
    const ended = tryRun(node, endless, {
      env: {},
      signal: abort.signal,
      onLine: (line, stream) => {
        seen.push(`${stream} ${line}`)
        if (seen.length === 3) abort.abort(new Error('seen enough'))
      },
    })
    await expect(ended).rejects.toThrow('seen enough')
    expect(seen.toSorted()).toEqual(['stderr three', 'stdout one', 'stdout two'])
  })

  it('ends a child that takes too long, and says so', async () => {
    const ended = tryRun(node, script('setInterval(() => {}, 1000)'), { env: {}, timeout: 100 })
    await expect(ended).rejects.toMatchObject({ kind: 'error', message: expect.stringContaining('longer than 0.1 s') })
  })

  it('rejects with the reason of an abort, before the start as well', async () => {
    const signal = AbortSignal.abort(new Error('cancelled by the user'))
    await expect(tryRun(node, script(''), { env: {}, signal })).rejects.toThrow('cancelled by the user')
  })

  it('ends a child that prints without end', async () => {
    const flood = script('const mib = "x".repeat(1048576); for (;;) require("fs").writeSync(1, mib)')
    const ended = tryRun(node, flood, { env: {} })
    await expect(ended).rejects.toMatchObject({ kind: 'error', message: expect.stringContaining('more than 64 MiB') })
  })

  it('names a program that is not there', async () => {
    await expect(tryRun('/nowhere/buildx', ['version'], { env: {} })).rejects.toMatchObject({
      kind: 'error',
      message: expect.stringMatching(/\/nowhere\/buildx could not be started .*is it installed\?/),
    })
  })
})

describe('run', () => {
  it('returns the standard output of a child that succeeds', async () => {
    expect(await run(node, script('console.log("27.1")'), { env: {} })).toBe('27.1')
  })

  it('fails with the last lines that the child said, and only those', async () => {
    const ended = run(node, script('for (let i = 1; i <= 30; i++) console.error("line", i); process.exitCode = 2'), {
      env: {},
    })
    await expect(ended).rejects.toThrow(/-e ended with 2: line 21\n(.*\n)*line 30$/)
    await expect(ended).rejects.not.toThrow('line 20')
  })

  it('hides secrets in what a failed child said', async () => {
    const ended = run(node, script('console.error("denied for hunter22"); process.exitCode = 1'), {
      env: {},
      redact: redactor(['hunter22']),
    })
    await expect(ended).rejects.toThrow('denied for ***')
    await expect(ended).rejects.not.toThrow('hunter22')
  })
})
