import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { mask, writeJobOutput, writeOutputs } from '../../../src/runner/index.ts'
import { parseFileCommands } from '../../runner/index.ts'

describe('outputs', () => {
  let directory = ''
  let file = ''

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'pacs-outputs-'))
    file = join(directory, 'output')
    await writeFile(file, '')
    vi.stubEnv('GITHUB_OUTPUT', file)
    vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  })

  afterEach(async () => {
    vi.restoreAllMocks()
    vi.unstubAllEnvs()
    await rm(directory, { recursive: true })
  })

  it('keeps a value with line breaks and a delimiter of its own in one output', async () => {
    writeOutputs({ message: 'a\nEOF\nrelease=evil\nghadelimiter_1' })
    expect(parseFileCommands(await readFile(file, 'utf8'))).toEqual({
      message: 'a\nEOF\nrelease=evil\nghadelimiter_1',
    })
  })

  it('refuses a job output that GitHub would drop because it contains a masked string', async () => {
    mask('registry-user-9')
    expect(() => writeJobOutput('release', `ghcr.io/registry-user-9/release@sha256:${'0'.repeat(64)}`)).toThrow(
      /^output release contains a masked string, so GitHub would hand an empty value/,
    )
    expect(await readFile(file, 'utf8')).toBe('')
  })

  it('writes one that it keeps', async () => {
    writeJobOutput('release', 'ghcr.io/org/pacs/release')
    expect(parseFileCommands(await readFile(file, 'utf8'))).toEqual({ release: 'ghcr.io/org/pacs/release' })
  })
})
