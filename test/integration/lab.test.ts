import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { VERIFY_LABEL } from '../../src/backup/index.ts'
import { tryRun } from '../../src/lib/index.ts'
import {
  allLabs,
  docker,
  ensureVendorImage,
  ids,
  LAB_LABEL,
  type Lab,
  LabError,
  type Machine,
  openLab,
  Progress,
  startLab,
  waitFor,
} from '../lab/index.ts'

const NODE = 'node:24-slim'
const repository = join(import.meta.dirname, '../..')

let lab: Lab
let scratch: string

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'pacs-lab-test-'))
  lab = await startLab()
})

afterAll(async () => {
  await lab?.down()
  await rm(scratch, { recursive: true, force: true })
})

describe('a server', () => {
  test('runs systemd, and every unit of it', async () => {
    const production = lab.server('production')
    expect(await production.readText('/proc/1/comm')).toBe('systemd')
    expect(await production.run(['systemctl', 'is-system-running'])).toBe('running')
  })

  test('answers ssh with the host key that the lab names, and with no other', async () => {
    const { hostKey } = lab.server('staging')
    expect(hostKey).toMatch(/^ssh-ed25519 \S+$/)
    expect(hostKey).not.toBe(lab.server('production').hostKey)
    expect(await ssh(lab.server('staging'), hostKey)).toMatchObject({ code: 0, stdout: 'staging.lab' })
    const refused = await ssh(lab.server('staging'), lab.server('production').hostKey)
    expect(refused.code).toBe(255)
    expect(refused.stderr).toContain('Host key verification failed')
  })

  test("pulls a vendor's image by its own name, through the lab's registry", async () => {
    const staging = lab.server('staging')
    await staging.run(['docker', 'pull', '-q', NODE])
    expect(await staging.run(['docker', 'run', '--rm', NODE, 'node', '--version'])).toMatch(/^v24\./)
  })

  test("knows the lab's names in containers on the default bridge and on networks of their own", async () => {
    const staging = lab.server('staging')
    await staging.run(['docker', 'network', 'create', 'own'])
    const lookUp = "require('dns').lookup('registry.lab', (error, address) => console.log(address ?? error.code))"
    const seen = ['bridge', 'own'].map((network) =>
      staging.run(['docker', 'run', '--rm', '--network', network, NODE, 'node', '-e', lookUp]),
    )
    const registry = await staging.run(['getent', 'hosts', 'registry.lab'])
    expect(await Promise.all(seen)).toEqual([registry.split(' ')[0], registry.split(' ')[0]])
  })

  test('shows a published port on the loopback of this machine, and again after it was killed', async () => {
    const staging = lab.server('staging')
    const { hostKey } = staging
    await startPage(staging, 'first')
    expect(await page(staging)).toBe('first')
    await staging.kill()
    await expect(page(staging)).rejects.toThrow()
    await staging.start()
    expect(await waitFor('the page of the restarted container', () => page(staging), 30_000)).toBe('first')
    expect(await ssh(staging, hostKey)).toMatchObject({ code: 0 })
  })

  test('is reached from this machine alone', async () => {
    const machines = [lab.server('staging'), lab.server('production'), lab.runner]
    const bound = await docker([
      ...['inspect', '--format', '{{range .HostConfig.PortBindings}}{{range .}}{{.HostIp}} {{end}}{{end}}'],
      ...[...machines.map(({ container }) => container), lab.registry.container],
    ])
    const addresses = bound.split(/\s+/).filter(Boolean)
    expect(addresses.length).toBeGreaterThan(4)
    expect(new Set(addresses)).toEqual(new Set(['127.0.0.1']))
  })

  test('can be cut from the network and come back, and can be frozen', async () => {
    const production = lab.server('production')
    const sshAnswers = () => lab.runner.exec(['timeout', '3', 'bash', '-c', 'head -c 4 </dev/tcp/production.lab/22'])
    expect(await sshAnswers()).toMatchObject({ code: 0, stdout: 'SSH-' })
    await production.disconnect()
    expect((await sshAnswers()).code).not.toBe(0)
    await production.connect()
    expect(
      await waitFor('ssh after the reconnection', async () => (await sshAnswers()).stdout === 'SSH-', 10_000),
    ).toBe(true)
    await production.pause()
    expect((await sshAnswers()).stdout).toBe('')
    await production.unpause()
    expect(await waitFor('ssh after the pause', async () => (await sshAnswers()).stdout === 'SSH-', 10_000)).toBe(true)
  })

  test('takes files below /run and /tmp, with their mode', async () => {
    const staging = lab.server('staging')
    await staging.copyIn(Buffer.from('secret\n'), '/run/deep/er/file', 0o640)
    expect(await staging.run(['stat', '-c', '%a %U', '/run/deep/er/file'])).toBe('640 root')
    expect(await staging.readText('/run/deep/er/file')).toBe('secret')
  })
})

describe('the runner', () => {
  test('builds on a digest-pinned vendor image, fetches from npm, pushes, and a server runs the pushed digest', async () => {
    const { runner } = lab
    const pinned = await runner.run([
      'docker',
      'buildx',
      'imagetools',
      'inspect',
      `${lab.registry.address}/library/${NODE}`,
      '--format',
      '{{json .Manifest.Digest}}',
    ])
    const digest = z.string().parse(JSON.parse(pinned))
    const dockerfile = [
      `FROM ${NODE}@${digest}`,
      'RUN --mount=type=secret,id=ca,required=true NODE_EXTRA_CA_CERTS=/run/secrets/ca npm view ms name >/name',
      'CMD ["cat", "/name"]',
    ]
    await runner.copyIn(Buffer.from(dockerfile.join('\n')), '/tmp/app/Dockerfile')
    const name = `${lab.registry.address}/test/app:1`
    await runner.run([
      ...['docker', 'buildx', 'build', '--push', '--provenance=false', '--metadata-file', '/tmp/app.json', '-t', name],
      ...['--secret', 'id=ca,src=/etc/ssl/certs/ca-certificates.crt', '/tmp/app'],
    ])
    const built = z
      .object({ 'containerimage.digest': z.string(), 'containerimage.config.digest': z.string() })
      .parse(JSON.parse(await runner.readText('/tmp/app.json')))
    const reference = `${lab.registry.address}/test/app@${built['containerimage.digest']}`
    const manifest = await runner.run(['docker', 'manifest', 'inspect', reference])
    expect(JSON.parse(manifest)).toMatchObject({ config: { digest: built['containerimage.config.digest'] } })
    expect(await lab.server('production').run(['docker', 'run', '--rm', reference])).toContain('ms')
  })

  test('runs a workflow by act, with Node 24', async () => {
    const { runner } = lab
    const workflow = ['on: push', 'jobs:', '  hello: { runs-on: ubuntu-latest, steps: [{ run: node --version }] }']
    await runner.copyIn(Buffer.from(workflow.join('\n')), '/tmp/user/.github/workflows/w.yml')
    await runner.run(['git', 'init', '-q', '/tmp/user'])
    const said = await runner.run(['act', 'push', '-P', 'ubuntu-latest=-self-hosted', '--no-cache-server'], {
      cwd: '/tmp/user',
    })
    expect(said).toMatch(/\| v24\./)
  })
})

describe('the command line', () => {
  test('says what a lab has, for people and for programs', async () => {
    const shown = await said(['status', '--name', lab.name])
    expect(shown.code).toBe(0)
    for (const one of [`${lab.name}: up`, lab.ca, lab.sshKey, lab.server('production').hostKey]) {
      expect(shown.stdout).toContain(one)
    }
    const { labs } = z
      .object({ labs: z.array(z.object({ name: z.string(), up: z.boolean() })) })
      .parse(JSON.parse((await said(['status', '--name', lab.name, '--json'])).stdout))
    expect(labs).toEqual([{ name: lab.name, up: true }])
  })

  test('gives a shell in a machine, which ends with what the shell ended with', async () => {
    const shell = await said(['shell', 'staging', '--name', lab.name], 'hostname; exit 7\n')
    expect(shell).toMatchObject({ code: 7, stdout: 'staging.lab' })
    const unknown = await said(['shell', 'nowhere', '--name', lab.name])
    expect(unknown).toMatchObject({ code: 1, stderr: expect.stringContaining('nowhere') })
  })
})

describe('a runner with a disk of its own', () => {
  test('finds what the one before it left, which only one has at a time', async () => {
    const options = { servers: [], runnerDisk: lab.name }
    const mark = '/var/cache/lab/mark'
    const one = await startLab(options)
    await one.runner.run(['touch', mark])
    const two = await startLab(options)
    expect(await two.runner.exec(['test', '-e', mark])).toMatchObject({ code: 1 })
    await Promise.all([one.down(), two.down()])
    const three = await startLab(options)
    await three.runner.run(['test', '-e', mark])
    await three.down()
    const disk = await ids(['volume', 'ls', '-q', '--filter', `name=pacs-deploy-lab-${lab.name}`])
    expect(disk).toHaveLength(3)
    await docker(['volume', 'rm', ...disk])
  })
})

describe('down', () => {
  test('leaves nothing of a lab, the lab beside it as it was, and what a proof of restore runs; builds leave nothing', async () => {
    const { image } = await ensureVendorImage('redis:8', new Progress())
    const proof = await docker(['create', '--label', `${VERIFY_LABEL}=lab-test`, image])
    const ofBuild = await docker(['create', image])
    const second = await startLab({ servers: ['staging'], runner: false })
    const there = await ids(['ps', '-aq', '--no-trunc'])
    await docker(['rm', proof])
    expect(there).toContain(proof)
    expect(there).not.toContain(ofBuild)
    const made = await tracesOf(second.name)
    expect(made.containers).toHaveLength(2)
    expect(made.volumes).toHaveLength(2)
    expect(await remains(made)).toEqual(made)
    expect(second.server('staging').port(443)).not.toBe(lab.server('staging').port(443))
    await startPage(second.server('staging'), 'second')
    await second.down()
    expect(await remains(made)).toEqual(NOTHING)
    expect(existsSync(second.sshKey)).toBe(false)
    await expect(page(second.server('staging'))).rejects.toThrow()
    expect(await lab.server('staging').run(['systemctl', 'is-system-running'])).toBe('running')
  })

  test('removes a lab whose program was killed while it started', async () => {
    const name = `${lab.name}-killed`
    const up = cli(['up', '--name', name])
    const made = await waitFor(
      'a first running container of the other lab',
      async () => {
        const traces = await tracesOf(name)
        return traces.cgroups.length > 0 && traces
      },
      300_000,
    )
    up.kill('SIGKILL')
    await once(up, 'exit')
    await expect(openLab(name)).rejects.toThrow(LabError)
    expect(await once(cli(['down', '--name', name]), 'exit')).toEqual([0, null])
    expect(await remains(made)).toEqual(NOTHING)
    expect(await tracesOf(name)).toEqual(NOTHING)
    expect(await allLabs()).not.toContain(name)
  })
})

describe('a lab that cannot start', () => {
  test('says so by a LabError and leaves nothing', async () => {
    const name = `${lab.name}-wrong`
    await expect(startLab({ name, servers: ['no host name'], runner: false })).rejects.toThrow(LabError)
    expect(await tracesOf(name)).toEqual(NOTHING)
    expect(await allLabs()).not.toContain(name)
  })

  test('leaves the lab alone that has its name', async () => {
    const before = await tracesOf(lab.name)
    await expect(startLab({ name: lab.name })).rejects.toThrow(`a lab named ${lab.name} exists`)
    expect(await tracesOf(lab.name)).toEqual(before)
    expect(existsSync(lab.sshKey)).toBe(true)
  })
})

describe('an engine that the lab started', () => {
  test('comes up again after SIGKILL, once for all who ask, also with an image half built', async () => {
    // In a container of its own, without systemd: the engine of this machine carries other labs.
    const container = await bareMachine()
    const ensure =
      "import { ensureEngine, ownEngine, Progress } from '/repo/test/lab/index.ts'; await ensureEngine(new Progress()); console.log(await ownEngine())"
    const start = () => docker(['exec', container, 'node', '--input-type=module', '-e', ensure])
    const first = Number(await start())
    expect(await start()).toBe(String(first))
    await docker([
      'exec',
      container,
      'sh',
      '-c',
      'mkdir /b && printf "FROM scratch\\nCOPY f /\\n" >/b/Dockerfile && truncate -s 300M /b/f',
    ])
    const build = docker(['exec', container, 'docker', 'build', '-q', '/b']).catch(() => 'killed')
    let pid = first
    for (let kill = 0; kill < 3; kill += 1) {
      await docker(['exec', container, 'kill', '-9', String(pid)])
      const [next, beside] = (await Promise.all([start(), start()])).map(Number)
      expect(next).toBeGreaterThan(0)
      expect(beside).toBe(next)
      expect(next).not.toBe(pid)
      pid = next ?? 0
    }
    await build
    await docker(['exec', container, 'docker', 'build', '-q', '/b'])
  })
})

/** A Debian with an engine's packages that nothing has started, and this repository at /repo. */
async function bareMachine(): Promise<string> {
  const image = await docker(['inspect', '--format', '{{.Image}}', lab.runner.container])
  const capabilities = await docker(['inspect', '--format', '{{json .HostConfig.CapAdd}}', lab.runner.container])
  const privileged =
    (await docker(['inspect', '--format', '{{.HostConfig.Privileged}}', lab.runner.container])) === 'true'
  const granted = z.array(z.string()).nullable().parse(JSON.parse(capabilities)) ?? []
  return docker([
    ...['run', '-d', '--label', `${LAB_LABEL}=${lab.name}`, '--network', lab.network, '--cgroupns=private'],
    ...(privileged ? ['--privileged'] : granted.flatMap((capability) => ['--cap-add', capability])),
    ...['--security-opt', 'seccomp=unconfined', '--security-opt', 'apparmor=unconfined', '--tmpfs', '/run:exec'],
    ...['-v', '/var/lib/docker', '-v', '/var/lib/containerd', '-v', `${repository}:/repo:ro`, image],
    ...['sh', '-c', 'lab-mounts; exec sleep infinity'],
  ])
}

/** Serves `text` on port 443 of a server, and again whenever its engine starts. */
async function startPage(server: Machine, text: string): Promise<void> {
  const serve = "require('http').createServer((_, response) => response.end(process.argv[1])).listen(8080)"
  const args = ['--restart', 'unless-stopped', '-p', '443:8080', NODE, 'node', '-e', serve, text]
  await server.run(['docker', 'run', '-d', ...args])
  await waitFor('the page', () => page(server), 20_000)
}

async function page(server: Machine): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${server.port(443)}/`, { signal: AbortSignal.timeout(2000) })
  return response.text()
}

async function ssh(server: Machine, hostKey: string) {
  const port = String(server.port(22))
  const known = join(scratch, 'known_hosts')
  await writeFile(known, `[127.0.0.1]:${port} ${hostKey}\n`)
  const options = [`UserKnownHostsFile=${known}`, 'StrictHostKeyChecking=yes', 'BatchMode=yes', 'IdentitiesOnly=yes']
  const args = options.flatMap((option) => ['-o', option])
  return tryRun('ssh', ['-F', 'none', '-i', lab.sshKey, '-p', port, ...args, 'root@127.0.0.1', 'hostname'], {
    env: { PATH: process.env.PATH ?? '' },
    timeout: 20_000,
  })
}

/** What the command line ends with and says. */
function said(args: readonly string[], input?: string) {
  const env = { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '' }
  return tryRun(process.execPath, [join(repository, 'test/lab/cli.ts'), ...args], { env, ...(input ? { input } : {}) })
}

function cli(args: readonly string[]) {
  return spawn(process.execPath, [join(repository, 'test/lab/cli.ts'), ...args], { stdio: 'ignore' })
}

/** What a lab can leave on this machine. Other labs may come and go meanwhile, so it is told by name and id. */
interface Traces {
  containers: string[]
  networks: string[]
  volumes: string[]
  /** Folders of its containers in the host's cgroup tree, whatever the tree's layout. */
  cgroups: string[]
}

const NOTHING: Traces = { containers: [], networks: [], volumes: [], cgroups: [] }

async function tracesOf(name: string): Promise<Traces> {
  const filter = ['--no-trunc', '--filter', `label=${LAB_LABEL}=${name}`]
  const containers = await ids(['ps', '-aq', ...filter])
  const mounted = '{{range .Mounts}}{{if eq .Type "volume"}}{{.Name}}\n{{end}}{{end}}'
  const volumes = containers.length === 0 ? [] : await ids(['inspect', '--format', mounted, ...containers])
  const networks = await ids(['network', 'ls', '-q', ...filter])
  return { containers, networks, volumes: volumes.sort(), cgroups: await cgroupsOf(containers) }
}

/** What is still there of `made`. */
async function remains(made: Traces): Promise<Traces> {
  const containers = new Set(await ids(['ps', '-aq', '--no-trunc']))
  const networks = new Set(await ids(['network', 'ls', '-q', '--no-trunc']))
  const volumes = new Set(await ids(['volume', 'ls', '-q']))
  return {
    containers: made.containers.filter((id) => containers.has(id)),
    networks: made.networks.filter((id) => networks.has(id)),
    volumes: made.volumes.filter((name) => volumes.has(name)),
    cgroups: made.cgroups.filter(existsSync),
  }
}

async function cgroupsOf(containers: readonly string[]): Promise<string[]> {
  const names = containers.flatMap((id) => ['-o', '-name', `*${id}*`]).slice(1)
  if (names.length === 0) return []
  const env = { PATH: process.env.PATH ?? '' }
  const { stdout } = await tryRun('find', ['/sys/fs/cgroup', '-type', 'd', '(', ...names, ')', '-prune'], { env })
  return stdout
    .split('\n')
    .filter((folder) => folder !== '')
    .sort()
}
