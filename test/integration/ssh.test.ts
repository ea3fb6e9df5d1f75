import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect as connectSocket, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { Failure, run } from '../../src/lib/index.ts'
import { type Connection, closeConnection, openConnection, openTunnel, type Target } from '../../src/ssh/index.ts'
import { type Lab, type Machine, startLab, waitFor } from '../lab/index.ts'

const env = { PATH: process.env.PATH ?? '' }

describe('a connection by the installed ssh to a real sshd', () => {
  let lab: Lab
  let server: Machine
  let gate: Machine
  let key: string
  let directory: string
  let count = 0
  const open: Connection[] = []

  beforeAll(async () => {
    lab = await startLab({ servers: ['staging', 'production'], runner: false })
    server = lab.server('staging')
    gate = lab.server('production')
    key = await readFile(lab.sshKey, 'utf8')
    directory = await mkdtemp(join(tmpdir(), 'pacs-ssh-test-'))
    // What is proved here is the way to the agent; the agent itself is in agent-ssh.test.ts.
    await server.run([
      'sh',
      '-c',
      'printf "#!/bin/sh\\ncat\\n" >/usr/local/bin/pacs-agent; chmod +x /usr/local/bin/pacs-agent',
    ])
  })
  afterEach(async () => {
    for (const connection of open.splice(0)) await connection.close()
  })
  afterAll(async () => {
    if (directory) await rm(directory, { recursive: true, force: true })
    await lab?.down()
  })

  function targetOf(machine: Machine): Target {
    return { host: '127.0.0.1', port: machine.port(22), user: 'root', 'host-keys': [machine.hostKey] }
  }

  async function connect(target: Target, text = key, log: (message: string) => void = () => {}): Promise<Connection> {
    const options = { target, key: text, directory: join(directory, `c${count++}`), env, log }
    const connection = await openConnection(options)
    open.push(connection)
    return connection
  }

  /** Has the server's systemd repeat what it reads on 127.0.0.1:27017. */
  async function listenOn27017(): Promise<void> {
    const units = {
      'repeat.socket': '[Socket]\nListenStream=127.0.0.1:27017\nAccept=yes\n',
      'repeat@.service': '[Service]\nExecStart=/bin/cat\nStandardInput=socket\n',
    }
    for (const [name, input] of Object.entries(units)) {
      await server.run(['install', '-m', '0644', '/dev/stdin', `/run/systemd/system/${name}`], { input })
    }
    await server.run(['systemctl', 'start', 'repeat.socket'])
  }

  /** A tunnel in the directory of the newest connection. */
  async function tunnelTo(connection: Connection, port: number) {
    const tunnel = await openTunnel(connection, { port, directory: join(directory, `c${count - 1}`) })
    return Object.assign(tunnel, { [Symbol.asyncDispose]: () => tunnel.close() })
  }

  async function refusal(target: Target, text = key): Promise<{ kind: string; message: string; attempts: number }> {
    let attempts = 1
    try {
      await connect(target, text, () => attempts++)
    } catch (thrown) {
      if (!(thrown instanceof Failure)) throw thrown
      await expect(access(join(directory, `c${count - 1}`))).rejects.toThrow('ENOENT')
      return { kind: thrown.kind, message: thrown.message, attempts }
    }
    throw new Error('the connection was made')
  }

  async function newKey(name: string, ...options: string[]): Promise<{ text: string; publicKey: string }> {
    const path = join(directory, name)
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path, ...options], { env })
    return { text: await readFile(path, 'utf8'), publicKey: (await readFile(`${path}.pub`, 'utf8')).trim() }
  }

  async function connectionsAt(machine: Machine): Promise<number> {
    const { stdout } = await machine.exec(['pgrep', '-c', '-f', '^sshd-session: root'])
    return Number(stdout.trim())
  }

  async function accepted(machine: Machine): Promise<number> {
    const journal = await machine.run(['journalctl', '-u', 'ssh', '--no-pager', '-o', 'cat'])
    return journal.split('\n').filter((line) => line.startsWith('Accepted publickey')).length
  }

  it('carries bytes both ways in several sessions over one handshake', async () => {
    const before = await accepted(server)
    const connection = await connect(targetOf(server))
    const streams = [await connection.duplex(), await connection.duplex(), await connection.duplex()]
    const bytes = Buffer.alloc(300_000, 'é')
    expect(await Promise.all(streams.map((stream) => echo(stream, bytes)))).toEqual([bytes, bytes, bytes])
    expect(await accepted(server)).toBe(before + 1)
  })

  it('goes through a jump host with pinned host keys of its own', async () => {
    const target = { ...targetOf(server), host: server.hostname, port: 22, jump: targetOf(gate) }
    expect(String(await echo(await (await connect(target)).duplex(), Buffer.from('hello')))).toBe('hello')
    const stranger = await refusal({ ...target, jump: { ...targetOf(gate), 'host-keys': [server.hostKey] } })
    expect(stranger.message).toMatch(/^jump host 127\.0\.0\.1:\d+ shows the host key SHA256:/)
    const unknown = await refusal({ ...target, jump: { ...targetOf(gate), user: 'nobody' } })
    expect(unknown.message).toMatch(/^jump host 127\.0\.0\.1:\d+ refused the SSH key for user nobody/)
  })

  it('refuses a server with another host key than the pinned one, also when that is of another kind', async () => {
    const changed = await refusal({ ...targetOf(server), 'host-keys': [gate.hostKey] })
    expect(changed).toMatchObject({ kind: 'bad-input', attempts: 1 })
    const shown = (await server.run(['ssh-keygen', '-lf', '/etc/ssh/ssh_host_ed25519_key.pub'])).split(' ')[1]
    expect(changed.message).toContain(`shows the host key ${shown}, pinned is SHA256:`)
    const { publicKey } = await newKey('p384', '-t', 'ecdsa', '-b', '384')
    const otherKind = await refusal({ ...targetOf(server), 'host-keys': [publicKey] })
    expect(otherKind).toMatchObject({ kind: 'bad-input', attempts: 1 })
    expect(otherKind.message).toMatch(/^127\.0\.0\.1:\d+ shows the host key SHA256:/)
  })

  it('offers a refused key once', async () => {
    const { text } = await newKey('stranger')
    const refused = await refusal(targetOf(server), text)
    expect(refused).toMatchObject({ kind: 'bad-input', attempts: 1 })
    expect(refused.message).toMatch(/refused the SSH key for user root: is this the key of this environment/)
  })

  it('reads no key that cannot be the right one', async () => {
    const { text } = await newKey('locked', '-N', 'words')
    expect((await refusal(targetOf(server), text)).message).toMatch(/^the SSH key has a passphrase/)
    const broken = key.replace(/^(.{60})..../m, '$1AAAA')
    expect((await refusal(targetOf(server), broken.replace(/\n(.{20})/, '\n$1'))).kind).toBe('bad-input')
  })

  it('tries an unreachable server a few times and then says so', async () => {
    const gone = await refusal({ ...targetOf(server), port: 1 })
    expect(gone).toMatchObject({ kind: 'unreachable', attempts: 4 })
    expect(gone.message).toMatch(/^127\.0\.0\.1:1 cannot be reached: .*Connection refused \(tried 4 times\)$/)
  })

  it('says that a server has no agent', async () => {
    const connection = await connect(targetOf(gate))
    const stream = await connection.duplex()
    const [thrown] = await once(stream.resume(), 'error')
    expect(thrown).toMatchObject({ kind: 'bad-input', message: expect.stringContaining('has no pacs-agent: set') })
  })

  it('ends its streams when the connection breaks, and connects anew, once, for all that come next', async () => {
    const connection = await connect(targetOf(server))
    const stream = await connection.duplex()
    stream.write('x')
    await once(stream, 'data')
    const closed = once(stream.resume(), 'close')
    await server.run(['pkill', '-f', '^sshd-session: root'])
    await closed
    const isMaster = async () => /^ssh$/m.test(await run('ps', ['--ppid', String(process.pid), '-o', 'comm='], { env }))
    await waitFor('the master to end', async () => !(await isMaster()), 10_000)
    const before = await accepted(server)
    const again = async () => String(await echo(await connection.duplex(), Buffer.from('again')))
    const first = again()
    await waitFor('the next one to begin', isMaster, 10_000)
    expect(await Promise.all([first, again(), again()])).toEqual(['again', 'again', 'again'])
    expect(await accepted(server)).toBe(before + 1)
  })

  it('tunnels to a port of the loopback, goes on after a cut, and says why where it does not', async () => {
    const connection = await connect(targetOf(server))
    await using tunnel = await tunnelTo(connection, 27017)
    await expect(echo(through(tunnel), Buffer.from('nobody there'))).resolves.toEqual(Buffer.alloc(0))
    expect(tunnel.failure).toMatchObject({
      kind: 'unreachable',
      message: expect.stringMatching(
        /^127\.0\.0\.1:27017 on 127\.0\.0\.1:\d+ cannot be reached: either nothing listens/,
      ),
    })

    await listenOn27017()
    const bytes = Buffer.alloc(300_000, 'é')
    expect(await echo(through(tunnel), bytes)).toEqual(bytes)
    expect(tunnel.failure).toBeUndefined()

    const cut = through(tunnel)
    cut.write('x')
    await once(cut, 'data')
    const closed = once(cut.resume(), 'close')
    await server.run(['pkill', '-f', '^sshd-session: root'])
    await closed
    expect(await Promise.all([1, 2, 3].map(() => echo(through(tunnel), bytes)))).toEqual([bytes, bytes, bytes])

    await server.run([
      'sh',
      '-c',
      'echo "PermitOpen 127.0.0.1:1" >/etc/ssh/sshd_config.d/test.conf; systemctl reload ssh',
    ])
    const forbidden = await connect(targetOf(server))
    await using closedTunnel = await tunnelTo(forbidden, 27017)
    await echo(through(closedTunnel), Buffer.from('forbidden'))
    expect(closedTunnel.failure?.message).toContain('does not permit it to this key (permitopen="127.0.0.1:27017"')
    await server.run(['sh', '-c', 'rm /etc/ssh/sshd_config.d/test.conf; systemctl reload ssh'])
  })

  it('ends the connections through a tunnel with it, and leaves no socket', async () => {
    const connection = await connect(targetOf(server))
    const tunnel = await openTunnel(connection, { port: 22, directory: join(directory, `c${count - 1}`) })
    const client = through(tunnel)
    await once(client, 'data')
    const closed = once(client.resume(), 'close')
    await tunnel.close()
    await closed
    await expect(access(tunnel.socket)).rejects.toThrow('ENOENT')
    const processes = await run('ps', ['-eo', 'args'], { env })
    expect(processes.split('\n').filter((line) => line.startsWith('ssh ') && line.includes('-W 127.0.0.1:22'))).toEqual(
      [],
    )
  })

  it('leaves no file and no connection when it is closed', async () => {
    const connection = await connect(targetOf(server))
    await connection.duplex()
    await connection.close()
    await expect(access(join(directory, `c${count - 1}`))).rejects.toThrow('ENOENT')
    await waitFor('the server to see the end', async () => (await connectionsAt(server)) === 0 || undefined, 30_000)
    await expect(connection.duplex()).rejects.toThrow('the SSH connection was closed')
  })

  it('is ended from its directory when its process was killed', async () => {
    const left = join(directory, 'left')
    const program = join(directory, 'killed.ts')
    const door = JSON.stringify(new URL('../../src/ssh/index.ts', import.meta.url).pathname)
    const options = JSON.stringify({ target: targetOf(server), key, directory: left, env })
    await writeFile(
      program,
      `import { openConnection } from ${door}\nawait openConnection(${options})\nconsole.log('open')\n`,
    )
    const child = spawn(process.execPath, [program], { env, stdio: ['ignore', 'pipe', 'inherit'] })
    await once(child.stdout, 'data')
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(await connectionsAt(server)).toBeGreaterThan(0)
    await closeConnection(left, env)
    await expect(access(left)).rejects.toThrow('ENOENT')
    await waitFor('the server to see the end', async () => (await connectionsAt(server)) === 0 || undefined, 30_000)
  })
})

function through({ socket }: { socket: string }): Socket {
  return connectSocket(socket)
}

/** What comes back of `bytes` from a remote end that repeats what it reads. */
async function echo(stream: Duplex, bytes: Buffer): Promise<Buffer> {
  const chunks: Buffer[] = []
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  stream.end(bytes)
  await once(stream, 'end')
  return Buffer.concat(chunks)
}
