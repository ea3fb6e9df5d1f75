import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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
  return openEngine(directory, script === undefined ? directory : `${directory}:/usr/bin:/bin`, () => undefined)
}

describe('a server', () => {
  it('without docker says so in one line', async () => {
    const engine = await engineOf()
    await expect(engine.version()).rejects.toMatchObject({
      kind: 'error',
      message: expect.stringMatching(/^docker could not be started \(.*ENOENT\): is it installed\?$/),
    })
  })

  it('whose engine does not run says so in one line', async () => {
    const said = 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?'
    const engine = await engineOf(`echo '${said}' >&2; exit 1\n`)
    const questions = [
      () => engine.version(),
      () => engine.containers({ label: 'pacs.instance' }),
      () => engine.freeDisk(),
    ]
    for (const ask of questions) {
      const message = expect.stringMatching(/^docker \w+ ended with 1: Cannot connect to the Docker daemon at [^\n]*$/)
      await expect(ask()).rejects.toMatchObject({ kind: 'error', message })
    }
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
