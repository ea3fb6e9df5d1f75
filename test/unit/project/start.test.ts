// scripts/start.mjs in a bare clone: what stands before every command of this repository.
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { tryRun } from '../../../src/lib/index.ts'

const root = join(import.meta.dirname, '../../..')
/** What `npm` is here: it writes down how it was called, and installs an empty folder. */
const NPM = '#!/bin/sh\necho "$@" >>npm-calls\nmkdir -p node_modules\n'

let clone: string
beforeEach(async () => {
  clone = await mkdtemp(join(tmpdir(), 'pacs-deploy-clone-'))
  await mkdir(join(clone, 'bin'))
  await cp(join(root, 'scripts/start.mjs'), join(clone, 'scripts/start.mjs'))
  await writeFile(join(clone, 'package-lock.json'), '{}')
  await writeFile(join(clone, 'demo.ts'), "console.log('ran', ...process.argv.slice(2))\nprocess.exitCode = 3\n")
  await npmIs(NPM)
})
afterEach(() => rm(clone, { recursive: true, force: true }))

async function npmIs(script: string): Promise<void> {
  await writeFile(join(clone, 'bin/npm'), script)
  await chmod(join(clone, 'bin/npm'), 0o755)
}

function start(...args: string[]) {
  const command = [join(clone, 'scripts/start.mjs'), 'demo.ts', ...args]
  return tryRun(process.execPath, command, { cwd: clone, env: { PATH: `${join(clone, 'bin')}:/usr/bin:/bin` } })
}

const npmCalls = () => readFile(join(clone, 'npm-calls'), 'utf8')

describe('a command in a bare clone', () => {
  it('installs the locked packages, says so, and ends as its program ends', async () => {
    const { code, stdout, stderr } = await start('--keep')
    expect({ code, stdout: stdout.trim() }).toEqual({ code: 3, stdout: 'ran --keep' })
    expect(stderr).toContain('pacs-deploy: installing the locked packages (npm ci)')
    expect(await npmCalls()).toBe('ci --loglevel=error\n')
  })

  it('installs nothing the second time, and again when the lock has changed', async () => {
    await start()
    expect((await start()).stderr).toBe('')
    expect(await npmCalls()).toBe('ci --loglevel=error\n')
    await writeFile(join(clone, 'package-lock.json'), '{ "lockfileVersion": 3 }')
    await start()
    expect((await npmCalls()).trim().split('\n')).toHaveLength(2)
  })

  it('says in one line what is missing where they cannot be installed, runs nothing, and tries again the next time', async () => {
    await npmIs('#!/bin/sh\nmkdir -p node_modules\nexit 1\n')
    const { code, stdout, stderr } = await start()
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr.trim().split('\n').at(-1)).toBe(
      'pacs-deploy: npm ci failed (see above); the npm registry must be reachable from here',
    )
    await npmIs(NPM)
    expect((await start()).stdout.trim()).toBe('ran')
  })
})
