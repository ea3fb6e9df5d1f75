import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { needPrograms } from '../../lab/host-packages.ts'
import { ensureEngine, LabError, Progress } from '../../lab/index.ts'

let empty: string
beforeEach(async () => {
  empty = await mkdtemp(join(tmpdir(), 'pacs-no-programs-'))
  vi.stubEnv('PATH', empty)
  vi.stubEnv('DOCKER_HOST', undefined)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
  await rm(empty, { recursive: true })
})

describe('what the lab lacks is said in one line where it may not install it:', () => {
  const asSomeone = () => vi.spyOn(process, 'getuid').mockReturnValue(1000)
  const said = async (work: Promise<void>) => {
    const thrown = await work.then(
      () => null,
      (error: unknown) => error,
    )
    expect(thrown).toBeInstanceOf(LabError)
    return String(thrown)
  }

  test('programs, all of them', async () => {
    asSomeone()
    expect(await said(needPrograms(['docker', 'ssh-keygen'], new Progress()))).toBe(
      'LabError: the lab needs docker, ssh-keygen: install it, or run this on Debian as root, where the lab installs it',
    )
  })

  test('an engine', async () => {
    asSomeone()
    expect(await said(ensureEngine(new Progress()))).toBe(
      'LabError: no Docker engine answers: start it (as root on Debian the lab installs and starts one itself)',
    )
  })

  test('the engine that DOCKER_HOST names', async () => {
    vi.stubEnv('DOCKER_HOST', 'unix:///nowhere.sock')
    expect(await said(ensureEngine(new Progress()))).toBe(
      'LabError: no Docker engine answers at DOCKER_HOST=unix:///nowhere.sock: start it',
    )
  })
})
