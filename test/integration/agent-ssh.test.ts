import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { examineServer } from '../../src/cli/doctor/server.ts'
import { runCommand } from '../../src/cli/main.ts'
import { freePorts, type Lab, type Machine, waitFor } from '../lab/index.ts'
import { startServer } from '../server/set-up.ts'
import { firstAnswer, SshClient } from '../server/ssh-client.ts'

const root = join(import.meta.dirname, '../..')

describe('a key of the server', () => {
  let lab: Lab
  let server: Machine
  let ci: SshClient
  let laptop: SshClient
  /** What the set-up said. */
  const said: string[] = []
  const env = { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '/' }

  /** Sets the server up from this checkout, as its administrator does from another machine. */
  function setUp(args: readonly string[], hostKey = server.hostKey): Promise<number> {
    const own = ['--port', String(server.port(22)), '--host-key', hostKey, '--identity', lab.sshKey]
    const console = {
      print: (line: string) => void said.push(line),
      aside: (line: string) => void said.push(line),
      root,
      env,
    }
    const brought = ['--node', process.execPath, '--agent', join(root, 'dist/agent/index.js'), '--without', 'hardening']
    return runCommand(['setup', 'root@127.0.0.1', ...own, ...brought, ...args], console)
  }

  beforeAll(async () => {
    ;({ lab, server } = await startServer())
    ci = await SshClient.create(server)
    laptop = await SshClient.create(server)
    const keys = ['--key', `ci=${ci.publicKey}`, '--key', `laptop=${laptop.publicKey}`]
    expect(await setUp(keys), said.join('\n')).toBe(0)
  })
  afterAll(async () => {
    await ci?.[Symbol.asyncDispose]()
    await laptop?.[Symbol.asyncDispose]()
    await lab?.down()
  })

  it('got in by pacs-deploy setup, which trusts no other host key, leaves nothing behind and passes refusals on', async () => {
    expect(said.join('\n')).toContain(`host key for deployment/environments.yml: ${server.hostKey}`)
    expect((await server.run(['sh', '-c', 'ls -d /tmp/tmp.* 2>/dev/null || true'])).trim()).toBe('')
    await expect(setUp([], ci.publicKey)).rejects.toThrow(/host key of 127\.0\.0\.1 is not the known one/)
    expect(await setUp(['--force'])).toBe(40)
    expect(said.join('\n')).toContain('what is --force?')
  })

  it('shows the doctor its host key and its agent, and that another server is none', async () => {
    const target = { host: '127.0.0.1', port: server.port(22), user: 'pacs', 'host-keys': [server.hostKey] }
    const environment = { name: 'staging', target, publicUrl: 'https://staging.lab/' }
    const options = { key: await ci.privateKey(), version: '0.1.0', env }
    const well = await examineServer(environment, options)
    expect(well.map(({ state, what }) => [state, what.replace(/engine .*/, 'engine')])).toEqual([
      ['ok', '127.0.0.1 shows a pinned host key'],
      ['ok', 'agent 0.1.0, engine'],
      ['ok', 'nothing serves yet: the first deploy may come'],
    ])
    const stranger = { ...environment, target: { ...target, 'host-keys': [ci.publicKey] } }
    const ill = await examineServer(stranger, options)
    expect(ill.map(({ state, what }) => [state, what])).toEqual([
      ['missing', '127.0.0.1 shows none of the pinned host keys'],
      ['missing', expect.stringMatching(/^its agent cannot be asked: .*host key/)],
    ])
  })

  it('reaches the agent', async () => {
    const agent = ci.agent()
    expect(await agent.status()).toMatchObject({ phase: 'idle' })
    expect(await agent.releases()).toEqual({ releases: [] })
    agent.close()
  })

  it('learns why a transaction cannot begin', async () => {
    const agent = laptop.agent()
    const request = { kind: 'rollback', reason: 'a test', actor: 'ann' } as const
    await agent.put('rollback-of-nothing', request)
    const events = await all(agent.follow('rollback-of-nothing'))
    expect(events.at(-1)).toMatchObject({ type: 'result', result: { outcome: 'refused', serving: null } })
    agent.close()
  })

  it('is named in the audit by what it proved, not by what the peer claims', async () => {
    const agent = ci.agent()
    await agent.put('rollback-of-ci-key', { kind: 'rollback', reason: 'a test', actor: 'laptop' })
    await all(agent.follow('rollback-of-ci-key'))
    agent.close()
    const audit = await server.run(['sh', '-c', 'cat /opt/pacs/audit/*.jsonl'])
    const asked = audit
      .split('\n')
      .map((line) => JSON.parse(line))
      .filter((line) => line.kind !== undefined)
    expect(asked.map(({ transaction, key, actor }) => [transaction, key, actor])).toEqual([
      ['rollback-of-nothing', 'laptop', 'ann'],
      ['rollback-of-ci-key', 'ci', 'laptop'],
    ])
  })

  it.each([
    ['a command of its own', ['cat', '/opt/pacs/state.json'], []],
    ['a shell on a terminal', ['sh'], ['-tt']],
    ['another key name', ['pacs-agent', 'ssh', '--key', 'root'], []],
    ['sftp', ['sftp'], ['-s']],
  ])('gets the agent and nothing else when it asks for %s', async (_what, command, options) => {
    const { stdout } = await ci.exec(command, options)
    expect(stdout).toBe('')
  })

  it('opens the one forward and no other', async () => {
    const [database = 0, traefik = 0, name = 0] = await freePorts(3)
    await using database27017 = await listening(server, 27017)
    await using forward = await ci.forward(
      ...['-L', `${database}:127.0.0.1:27017`, '-L', `${traefik}:127.0.0.1:22`, '-L', `${name}:localhost:27017`],
    )
    expect(await firstAnswer(database, 'hello\n')).toBe(database27017.greeting)
    expect(await firstAnswer(traefik, 'hello\n')).toBe('')
    expect(await firstAnswer(name, 'hello\n')).toBe('')
    expect(forward.said().match(/administratively prohibited/g)).toHaveLength(2)
  })

  it('reaches no socket of the server', async () => {
    const [port = 0] = await freePorts(1)
    await using forward = await ci.forward('-L', `${port}:/run/pacs/agent.sock`)
    expect(await firstAnswer(port, 'GET /v1/status HTTP/1.1\r\nhost: a\r\n\r\n')).toBe('')
    expect(forward.said()).toMatch(/open failed/)
  })

  it.each([
    ['listen on the server', ['-R', '18080:127.0.0.1:1']],
    ['make the server a proxy', ['-R', '18080']],
  ])('cannot %s', async (_what, options) => {
    const { code, stderr } = await ci.exec([], ['-o', 'ExitOnForwardFailure=yes', '-N', ...options])
    expect(stderr).toMatch(/remote port forwarding failed/)
    expect(code).toBe(255)
  })

  it('ends when the daemon dies, and follows the next one by the same key', async () => {
    const agent = ci.agent()
    await agent.status()
    await server.run(['systemctl', 'kill', '-s', 'KILL', 'pacs-agent'])
    expect(await agent.status()).toMatchObject({ phase: 'idle' })
    agent.close()
  })

  it('loses nothing to a second key that is not allowed in', async () => {
    await using stranger = await SshClient.create(server)
    expect(await stranger.exec(['pacs-agent', 'ssh'])).toMatchObject({
      code: 255,
      stderr: expect.stringMatching(/Permission denied/),
    })
  })
})

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const seen: T[] = []
  for await (const item of items) seen.push(item)
  return seen
}

/** Something that greets on a loopback port of the server. */
async function listening(server: Machine, port: number): Promise<AsyncDisposable & { greeting: string }> {
  const greeting = 'a database greets'
  const unit = `greeter-${port}`
  const script = `require('net').createServer((socket) => socket.once('data', () => socket.end('${greeting}'))).listen(${port}, '127.0.0.1')`
  await server.run(['systemd-run', '--unit', unit, '--collect', '/opt/pacs/bin/node', '-e', script])
  await waitFor(
    'the greeter',
    async () => (await server.exec(['sh', '-c', `ss -ltn | grep -q 127.0.0.1:${port}`])).code === 0,
    60_000,
  )
  return { greeting, [Symbol.asyncDispose]: async () => void (await server.exec(['systemctl', 'stop', unit])) }
}
