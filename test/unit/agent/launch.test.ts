import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Restarting } from '../../../src/agent/api/service.ts'
import {
  clearMark,
  hasMark,
  installAgent,
  installedAgents,
  isNewer,
  setCurrent,
  setMark,
} from '../../../src/agent/install/installed.ts'
import { chooseAgent, waitUntilReady } from '../../../src/agent/install/launch.ts'
import { adoptAgent } from '../../../src/agent/install/upgrade.ts'
import { AGENT_VERSION } from '../../../src/agent/version.ts'
import { releaseIdSchema, sha256 } from '../../../src/release/index.ts'

let bin: string
let logged: string[]
const log = (line: string) => void logged.push(line)

beforeEach(async () => {
  bin = await mkdtemp(join(tmpdir(), 'pacs-bin-'))
  logged = []
})
afterEach(() => rm(bin, { recursive: true, force: true }))

async function install(version: string, content = `agent ${version}`) {
  const file = join(bin, 'incoming.js')
  await writeFile(file, content)
  await installAgent(bin, { file, version, sha256: sha256(content) })
  return sha256(content)
}

describe('installed agents', () => {
  it('are compared by number, not by letter', () => {
    expect(isNewer('0.10.0', '0.9.0')).toBe(true)
    expect(isNewer('1.0.0', '1.0.0')).toBe(false)
    expect(isNewer('0.9.9', '1.0.0')).toBe(false)
  })

  it('are found newest first', async () => {
    for (const version of ['0.9.0', '0.10.0', '0.2.11']) await install(version)
    expect((await installedAgents(bin)).map((agent) => agent.version)).toEqual(['0.10.0', '0.9.0', '0.2.11'])
  })

  it('are installed once, whole, and with no trace of the attempt', async () => {
    await install('0.1.0')
    const file = join(bin, 'incoming.js')
    expect(await installAgent(bin, { file, version: '0.1.0', sha256: sha256('agent 0.1.0') })).toBe(false)
    const [name = ''] = await readdir(join(bin, 'agents'))
    expect(await readdir(join(bin, 'agents'))).toEqual([name])
    expect(await readFile(join(bin, 'agents', name, 'index.js'), 'utf8')).toBe('agent 0.1.0')
  })

  it('are refused when they are not what the manifest says', async () => {
    const file = join(bin, 'incoming.js')
    await writeFile(file, 'something else')
    await expect(installAgent(bin, { file, version: '0.1.0', sha256: sha256('agent') })).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringMatching(/expected was/),
    })
    await expect(
      installAgent(bin, { file, version: '../../x', sha256: sha256('something else') }),
    ).rejects.toMatchObject({ kind: 'bad-input' })
    expect(await installedAgents(bin)).toEqual([])
  })

  it('do not count when their file was damaged, and are mended by installing them again', async () => {
    await install('0.1.0')
    const [agent] = await installedAgents(bin)
    if (!agent) throw new Error('nothing is installed')
    await rm(agent.file)
    await writeFile(agent.file, 'torn')
    expect(await installedAgents(bin)).toEqual([])
    await install('0.1.0')
    expect(await installedAgents(bin)).toHaveLength(1)
  })

  it('are run on the command line through bin/current', async () => {
    await mkdir(join(bin, 'agents'), { recursive: true })
    for (const version of ['0.1.0', '0.2.0']) {
      await install(version)
      const [newest] = await installedAgents(bin)
      if (newest) await setCurrent(bin, newest)
      expect(await readFile(join(bin, 'current', 'index.js'), 'utf8')).toBe(`agent ${version}`)
    }
  })
})

describe('the launcher', () => {
  it('chooses the newest', async () => {
    await install('0.1.0')
    await install('0.2.0')
    expect((await chooseAgent(bin, log)).version).toBe('0.2.0')
    expect(logged).toEqual([])
  })

  it('marks one that was started and never ready, and goes on with the previous', async () => {
    await install('0.1.0')
    const newer = await install('0.2.0')
    await setMark(bin, newer, 'tried')
    expect((await chooseAgent(bin, log)).version).toBe('0.1.0')
    expect(await hasMark(bin, newer, 'bad')).toBe(true)
    expect(logged.join()).toMatch(/agent 0\.2\.0 .* ended before it was ready/)
  })

  it('does not blame one that was ready before', async () => {
    await install('0.1.0')
    const newer = await install('0.2.0')
    await setMark(bin, newer, 'tried')
    await setMark(bin, newer, 'ready')
    expect((await chooseAgent(bin, log)).version).toBe('0.2.0')
  })

  it('does not condemn the only one there is', async () => {
    const only = await install('0.1.0')
    await setMark(bin, only, 'tried')
    expect((await chooseAgent(bin, log)).version).toBe('0.1.0')
    expect(await hasMark(bin, only, 'bad')).toBe(false)
  })

  it('passes over two broken ones, one start after the other', async () => {
    await install('0.1.0')
    const second = await install('0.2.0')
    const third = await install('0.3.0')
    await setMark(bin, third, 'tried')
    expect((await chooseAgent(bin, log)).version).toBe('0.2.0')
    await setMark(bin, second, 'tried')
    expect((await chooseAgent(bin, log)).version).toBe('0.1.0')
  })

  it('tries one again that a person installed anew', async () => {
    await install('0.1.0')
    const newer = await install('0.2.0')
    await setMark(bin, newer, 'bad')
    expect((await chooseAgent(bin, log)).version).toBe('0.1.0')
    await clearMark(bin, newer, 'bad')
    expect((await chooseAgent(bin, log)).version).toBe('0.2.0')
  })

  it('says what to do where none is', async () => {
    await expect(chooseAgent(bin, log)).rejects.toMatchObject({
      kind: 'error',
      message: expect.stringMatching(/setup-production\.sh/),
    })
  })

  describe('waiting for its choice', () => {
    const options = () => ({ bin, socket: join(bin, 'agent.sock'), pid: process.pid, limit: 10_000 })
    let daemon: Server | undefined

    async function listen() {
      daemon = createServer((socket) => socket.end()).listen(options().socket)
      await once(daemon, 'listening')
    }
    afterEach(() => {
      daemon?.close()
      daemon = undefined
    })

    it('is over when the newest listens and has been ready', async () => {
      const older = await install('0.1.0')
      const newer = await install('0.2.0')
      await setMark(bin, older, 'ready')
      await listen()
      const late = waitUntilReady({ ...options(), limit: 150 })
      await expect(late).rejects.toMatchObject({ kind: 'error', message: expect.stringMatching(/not ready within/) })
      const waiting = waitUntilReady(options())
      await setMark(bin, newer, 'ready')
      await waiting
    })

    it('is over at once when the process has ended', async () => {
      await install('0.1.0')
      const child = spawn(process.execPath, ['-e', ''])
      await once(child, 'exit')
      const waiting = waitUntilReady({ ...options(), pid: child.pid ?? 0 })
      await expect(waiting).rejects.toMatchObject({ message: expect.stringMatching(/ended before it was ready/) })
    })

    it('gives one that served before the time that it needs', async () => {
      await setMark(bin, await install('0.1.0'), 'ready')
      await waitUntilReady({ ...options(), limit: 150 })
    })
  })
})

describe('a release that brings an agent', () => {
  const id = releaseIdSchema.parse('20261124t101500z-abc1234def01')

  async function release(version: string, content = `agent ${version}`) {
    const directory = await mkdtemp(join(bin, 'release-'))
    await mkdir(join(directory, 'agent'))
    await writeFile(join(directory, 'agent', 'index.js'), content)
    return { directory, manifest: { id, agent: { version, sha256: sha256(content) } } }
  }

  it.each(['0.1.0', '0.0.9'])('is deployed by this one when its own is %s', async (version) => {
    await adoptAgent(bin, '0.1.0', await release(version))
    expect(await installedAgents(bin)).toEqual([])
  })

  it('hands over to a newer one, which then is the launcher’s choice', async () => {
    await install('0.1.0')
    await expect(adoptAgent(bin, '0.1.0', await release('0.2.0'))).rejects.toBeInstanceOf(Restarting)
    expect((await chooseAgent(bin, log)).version).toBe('0.2.0')
  })

  it('is refused when that one died here at its start', async () => {
    const bad = await release('0.2.0')
    await setMark(bin, await install('0.2.0'), 'bad')
    await expect(adoptAgent(bin, '0.1.0', bad)).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringMatching(/ended on this server/),
    })
  })
})

it('has the version of package.json', async () => {
  const text = await readFile(new URL('../../../package.json', import.meta.url), 'utf8')
  expect(JSON.parse(text).version).toBe(AGENT_VERSION)
})
