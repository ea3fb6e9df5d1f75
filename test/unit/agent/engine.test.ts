import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openEngine } from '../../../src/agent/server/engine.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pacs-engine-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

/** The engine of a server whose `docker` is this shell script, or which has none. */
async function engineOf(script?: string) {
  if (script !== undefined) await writeFile(join(directory, 'docker'), `#!/bin/sh\n${script}`, { mode: 0o755 })
  const path = script === undefined ? directory : `${directory}:/usr/bin:/bin`
  return openEngine(directory, path, () => undefined, ['docker', 'compose'], socket())
}

const socket = () => join(directory, 'docker.sock')

/** An engine's socket that gives these answers by path, and 404 for every other one. */
async function answering(answers: Readonly<Record<string, unknown>>) {
  const answer = ({ url = '' }: IncomingMessage, response: ServerResponse) => {
    const known = answers[decodeURIComponent(url)]
    response.writeHead(known === undefined ? 404 : 200).end(JSON.stringify(known ?? { message: 'No such container' }))
  }
  const server = createServer(answer).listen(socket())
  await once(server, 'listening')
  return { [Symbol.asyncDispose]: async () => void server.close() }
}

describe('a server', () => {
  it('without docker says so in one line', async () => {
    const engine = await engineOf()
    await expect(engine.freeDisk()).rejects.toMatchObject({
      kind: 'error',
      message: expect.stringMatching(/^docker could not be started \(.*ENOENT\): is it installed\?$/),
    })
    expect(await engine.composeVersion()).toBe(null)
  })

  it('whose engine does not run says so in one line', async () => {
    const said = 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?'
    const engine = await engineOf(`echo '${said}' >&2; exit 1\n`)
    await expect(engine.freeDisk()).rejects.toMatchObject({
      kind: 'error',
      message: expect.stringMatching(/^docker info ended with 1: Cannot connect to the Docker daemon at [^\n]*$/),
    })
    const questions = [
      () => engine.version(),
      () => engine.containers({ label: 'pacs.instance' }),
      () => engine.containers({ names: ['edge'] }),
      () => engine.has('image@sha256:1'),
    ]
    for (const ask of questions) {
      const message = expect.stringMatching(
        /^the container engine does not answer: [^\n]*ENOENT[^\n]*systemctl status docker$/,
      )
      await expect(ask()).rejects.toMatchObject({ kind: 'error', message })
    }
  })
})

describe('engine and Compose', () => {
  it('say their versions', async () => {
    await using _ = await answering({ '/version': { Version: '26.1.5+dfsg1', ApiVersion: '1.45' } })
    const engine = await engineOf('[ "$*" = "compose version --short" ] && echo 2.26.1-4\n')
    expect([await engine.version(), await engine.composeVersion()]).toEqual(['26.1.5+dfsg1', '2.26.1-4'])
  })

  it('are told from a Docker without Compose', async () => {
    const engine = await engineOf("echo 'docker: unknown command: docker compose' >&2; exit 1\n")
    expect(await engine.composeVersion()).toBe(null)
  })
})

describe('the volume of an archive', () => {
  it('is asked after by its name, and an engine that fails is no answer', async () => {
    expect(await (await engineOf('[ "$*" = "volume inspect images" ]\n')).hasVolume('images')).toBe(true)
    const none = "echo 'Error response from daemon: get images: no such volume' >&2; exit 1\n"
    expect(await (await engineOf(none)).hasVolume('images')).toBe(false)
    const away = await engineOf("echo 'Cannot connect to the Docker daemon' >&2; exit 1\n")
    await expect(away.hasVolume('images')).rejects.toMatchObject({ kind: 'error' })
  })

  /** Does in a folder what the engine would do in a container with this volume. */
  const looking = async () =>
    engineOf(`case "$*" in *src=images,dst=/archive,readonly*) ;; *) exit 9 ;; esac
while [ "$1" != -ec ]; do shift; done
exec sh -ec "$(printf %s "$2" | sed 's,^cd /archive,cd ${directory}/archive,')"\n`)

  it.each([
    ['one of SQLite with images', ['db/index', 'db/0a/ff/0aff-1'], { images: true, sqlite: 'db/index' }],
    ['one at its top', ['index', '0a/ff/0aff-1'], { images: true, sqlite: 'index' }],
    ['one of SQLite that took none yet', ['db/index', 'db/index-wal'], { images: false, sqlite: 'db/index' }],
    ['one whose index is elsewhere', ['db/0a/ff/0aff-1', 'db/0a/ff/0aff-2'], { images: true, sqlite: null }],
    ['something else', ['db/notes/of/mine', 'db/note'], { images: false, sqlite: null }],
  ])('is seen as %s', async (_, files, seen) => {
    for (const file of files) {
      await mkdir(dirname(join(directory, 'archive', file)), { recursive: true })
      await writeFile(join(directory, 'archive', file), '')
    }
    expect(await (await looking()).archiveIn('images', 'archive@sha256:1')).toEqual(seen)
  })
})

const inspected = (name: string, more: object) => ({
  ...{ Id: `id-of-${name}`, Name: `/${name}`, Config: { Labels: null }, NetworkSettings: { Networks: null } },
  State: { Running: true, ExitCode: 0, StartedAt: '2026-11-24T10:15:00Z' },
  ...more,
})

describe('containers', () => {
  it('are found by label, except those that vanish meanwhile', async () => {
    const Log = [{ Start: '2026-11-24T10:15:01.5Z', End: '', ExitCode: 0, Output: '' }]
    const State = {
      ...{ Running: true, ExitCode: 0, StartedAt: '2026-11-24T10:15:00Z' },
      Health: { Status: 'healthy', FailingStreak: 0, Log },
    }
    const Labels = { 'com.docker.compose.project': 'pacs', 'com.docker.compose.service': 'edge' }
    const Mounts = [
      { Type: 'volume', Name: 'pacs-data', Source: '/var/lib/docker/volumes/pacs-data/_data', RW: true },
      { Type: 'bind', Source: '/srv/log', RW: true },
      { Type: 'bind', Source: '/etc/edge', RW: false },
    ]
    const Networks = { none: { IPAddress: '' }, inner: { IPAddress: '172.18.0.2' } }
    await using _ = await answering({
      '/containers/json?all=true&filters={"label":["pacs.instance"]}': [{ Id: 'a' }, { Id: 'gone' }],
      '/containers/a/json': inspected('edge', { State, Mounts, Config: { Labels }, NetworkSettings: { Networks } }),
    })
    expect(await (await engineOf()).containers({ label: 'pacs.instance' })).toEqual([
      {
        ...{ id: 'id-of-edge', name: 'edge', running: true, health: 'healthy', exitCode: 0 },
        startedAt: '2026-11-24T10:15:00Z',
        lastCheck: { at: Date.parse('2026-11-24T10:15:01.5Z'), passed: true },
        ...{
          address: '172.18.0.2',
          networks: ['none', 'inner'],
          writes: ['pacs-data', '/srv/log'],
          labels: Labels,
          project: 'pacs',
          service: 'edge',
        },
      },
    ])
  })

  it.each([
    ['healthy', 'the last look was passed: the engine stopped looking, since it was paused', 0],
    ['unhealthy', 'the last look failed', 1],
  ])('that the engine calls unhealthy are %s where %s', async (health, _why, ExitCode) => {
    const Log = [{ Start: '2026-11-24T10:15:01.5Z', End: '', ExitCode, Output: '' }]
    const State = {
      ...{ Running: true, ExitCode: 0, StartedAt: '2026-11-24T10:15:00Z' },
      Health: { Status: 'unhealthy', FailingStreak: ExitCode, Log },
    }
    await using _ = await answering({ '/containers/archive/json': inspected('archive', { State }) })
    expect(await (await engineOf()).containers({ names: ['archive'] })).toMatchObject([{ health }])
  })

  it('that ended and wait to be started anew are not healthy, whatever the last look said', async () => {
    const Log = [{ Start: '2026-11-24T10:15:01.5Z', End: '', ExitCode: 0, Output: '' }]
    const State = {
      ...{ Running: true, Restarting: true, ExitCode: 1, StartedAt: '2026-11-24T10:15:00Z' },
      Health: { Status: 'unhealthy', FailingStreak: 0, Log },
    }
    await using _ = await answering({ '/containers/archive/json': inspected('archive', { State }) })
    expect(await (await engineOf()).containers({ names: ['archive'] })).toMatchObject([{ health: 'starting' }])
  })

  it('are found by name; one without health check, networks and labels is of no project', async () => {
    await using _ = await answering({ '/containers/plain/json': inspected('plain', {}) })
    const engine = await engineOf()
    expect(await engine.containers({ names: ['plain', 'absent'] })).toMatchObject([
      {
        name: 'plain',
        health: 'none',
        lastCheck: null,
        address: null,
        writes: [],
        labels: {},
        project: '',
        service: '',
      },
    ])
  })
})

describe('the networks of instances', () => {
  it('are listed with their project', async () => {
    const listed = 'pacs-0a1b2c3d 20261101-c0ffee\\npacs-0a1b2c3d 20261101-c0ffee'
    const asked =
      'network ls --filter label=pacs.instance --format {{.Label "com.docker.compose.project"}} {{.Label "pacs.instance"}}'
    const engine = await engineOf(`[ "$*" = '${asked}' ] && printf '${listed}\\n'\n`)
    const network = { project: 'pacs-0a1b2c3d', instance: '20261101-c0ffee' }
    expect(await engine.networks()).toEqual([network, network])
  })
})

describe('a container that is to go', () => {
  const refusing = (said: string) =>
    `[ "$1" = stop ] && exit 0\necho 'Error response from daemon: ${said}' >&2; exit 1\n`

  it('and is being removed by another hand is waited for', async () => {
    const there: Record<string, unknown> = { '/containers/a/json': inspected('edge', {}) }
    await using _ = await answering(there)
    const engine = await engineOf(refusing('removal of container a is already in progress'))
    let hasEnded = false
    const removed = engine.remove(['a'], 0).then(() => (hasEnded = true))
    await setTimeout(300)
    expect(hasEnded).toBe(false)
    delete there['/containers/a/json']
    await removed
  })

  it('and is gone already is no failure, unlike one that the engine keeps', async () => {
    await (await engineOf(refusing('No such container: a'))).remove(['a'], 0)
    await expect((await engineOf(refusing('device or resource busy'))).remove(['a'], 0)).rejects.toMatchObject({
      message: 'containers could not be removed: Error response from daemon: device or resource busy',
    })
  })
})

describe('an image', () => {
  it('is asked for by digest', async () => {
    await using _ = await answering({ '/images/registry.lab:5000/org/shop@sha256:1f/json': { Id: 'sha256:2e' } })
    const engine = await engineOf()
    expect(await engine.has('registry.lab:5000/org/shop@sha256:1f')).toBe(true)
    expect(await engine.has('registry.lab:5000/org/shop@sha256:2e')).toBe(false)
  })
})

describe('a file inside a container', () => {
  it('is what its processes see', async () => {
    const engine = await engineOf('[ "$1 $2 $3" = "exec edge cat" ] && echo "of $5"\n')
    expect(await engine.readInside('edge', '/etc/edge.conf')).toBe('of /etc/edge.conf')
  })

  it('is read by the engine where the image has no cat, and leaves no copy', async () => {
    const engine = await engineOf('[ "$1" = exec ] && exit 127\n[ "$1" = cp ] && echo "$3" >"$4"\n')
    expect(await engine.readInside('edge', '/etc/edge.conf')).toBe('edge:/etc/edge.conf')
    expect(await readdir(directory)).toEqual(['docker'])
  })

  it('that is not there is told apart from an image without cat', async () => {
    const engine = await engineOf('[ "$1" = exec ] && exit 1\necho never\n')
    expect(await engine.readInside('edge', '/etc/edge.conf')).toBe(null)
  })
})
