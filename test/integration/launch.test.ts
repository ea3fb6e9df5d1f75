import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Lab, type Machine, waitFor } from '../lab/index.ts'
import { agentOfVersion, dyingAgent, hangingAgent } from '../server/agent-bundle.ts'
import { bringSetUp, runSetUp, startServer } from '../server/set-up.ts'

const LIMIT = 180_000

describe('the agent under systemd', () => {
  let lab: Lab
  let server: Machine

  beforeAll(async () => {
    ;({ lab, server } = await startServer())
    expect(await runSetUp(server)).toMatchObject({ code: 0 })
  })
  afterAll(() => lab?.down())

  it('is started again after a kill, and is not blamed for it', async () => {
    const before = await mainPid(server)
    await server.run(['kill', '-9', before])
    await waitFor('another process', async () => (await mainPid(server)) !== before && (await answers(server)), LIMIT)
    expect(await marks(server, 'bad')).toEqual([])
  })

  it('is one process, whose children die with it', async () => {
    const [line = ''] = (await server.run(['systemctl', 'show', '--value', '-p', 'ControlGroup', 'pacs-agent'])).split(
      '\n',
    )
    const list = `cat /sys/fs/cgroup${line}/cgroup.procs || cat /sys/fs/cgroup/systemd${line}/cgroup.procs`
    expect((await server.run(['sh', '-c', list])).trim()).toBe(await mainPid(server))
    expect(await server.run(['systemctl', 'show', '-p', 'KillMode', 'pacs-agent'])).toBe('KillMode=control-group')
  })

  it('gives way to a newer one', async () => {
    await place(server, '0.2.0', await agentOfVersion('0.2.0'))
    await server.run(['systemctl', 'restart', 'pacs-agent'])
    expect(await runningVersion(server)).toBe('0.2.0')
    expect((await server.run(['pacs-agent', 'version'])).trim()).toBe('0.2.0')
  })

  it('goes on after a newer one that dies at its start, which is marked and not tried again', async () => {
    const digest = await place(server, '0.3.0', dyingAgent)
    await server.exec(['systemctl', 'restart', 'pacs-agent'])
    await waitFor('the previous agent', () => answers(server), LIMIT)
    expect(await runningVersion(server)).toBe('0.2.0')
    expect(await marks(server, 'bad')).toEqual([digest])
    expect(await server.run(['journalctl', '-u', 'pacs-agent', '--no-pager', '-o', 'cat'])).toMatch(
      /agent 0\.3\.0 .* ended before it was ready: it is bad, the previous one goes on/,
    )
    await server.run(['systemctl', 'restart', 'pacs-agent'])
    expect(await runningVersion(server)).toBe('0.2.0')
  })

  it('goes on after a newer one that hangs at its start', async () => {
    const digest = await place(server, '0.4.0', hangingAgent)
    await server.exec(['systemctl', 'restart', 'pacs-agent'])
    await waitFor('the previous agent', () => answers(server), LIMIT)
    expect(await runningVersion(server)).toBe('0.2.0')
    expect(await marks(server, 'bad')).toContain(digest)
  })

  it('never falls back to an older one for another reason', async () => {
    const before = await mainPid(server)
    await server.run(['kill', '-9', before])
    await waitFor('another process', async () => (await mainPid(server)) !== before && (await answers(server)), LIMIT)
    expect(await runningVersion(server)).toBe('0.2.0')
  })

  it('is not taken back to an older one by a set-up', async () => {
    // By what set the server up, as a person does who runs it again.
    expect(await runSetUp(server)).toMatchObject({ code: 0 })
    expect(await runningVersion(server)).toBe('0.2.0')
    await bringSetUp(server, await agentOfVersion('0.1.9'))
    expect(await runSetUp(server)).toMatchObject({
      code: 40,
      stderr: expect.stringMatching(/agent 0\.4\.0 is installed, this one is 0\.1\.9/),
    })
    expect(await runningVersion(server)).toBe('0.2.0')
  })

  it('comes back with the server', async () => {
    await server.kill()
    await server.start()
    await waitFor('the agent', () => answers(server), LIMIT)
    expect(await runningVersion(server)).toBe('0.2.0')
  })
})

/** Puts an agent where an upgrade would. @returns its SHA-256 in hex */
async function place(server: Machine, version: string, content: string): Promise<string> {
  const digest = createHash('sha256').update(content).digest('hex')
  await server.copyIn(Buffer.from(content), `/opt/pacs/bin/agents/${version}-${digest.slice(0, 12)}/index.js`)
  await server.run(['chown', '-R', 'pacs:pacs', '/opt/pacs/bin/agents'])
  return digest
}

async function answers(server: Machine): Promise<boolean> {
  return (await server.exec(['pacs-agent', 'status'])).code === 0
}

async function runningVersion(server: Machine): Promise<unknown> {
  return JSON.parse(await server.run(['pacs-agent', 'status', '--json'])).agent.version
}

async function mainPid(server: Machine): Promise<string> {
  return (await server.run(['systemctl', 'show', '--value', '-p', 'MainPID', 'pacs-agent'])).trim()
}

async function marks(server: Machine, mark: string): Promise<string[]> {
  const names = (await server.run(['ls', '/opt/pacs/bin/agents'])).split('\n')
  return names.filter((name) => name.endsWith(`.${mark}`)).map((name) => name.slice(0, -mark.length - 1))
}
