import { chmod, mkdir, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  listStackFiles,
  releaseManifestSchema,
  sha256,
  stackHash,
  writeReleaseContext,
} from '../../../src/release/index.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'stack-files-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

async function write(path: string, content = path, mode = 0o644): Promise<void> {
  await mkdir(dirname(join(directory, path)), { recursive: true })
  await writeFile(join(directory, path), content)
  await chmod(join(directory, path), mode)
}
const hash = async () => stackHash(await listStackFiles(directory))

describe('the files of a stack', () => {
  test('leave out what belongs to one machine', async () => {
    for (const kept of ['compose.yml', '.env.example', 'scripts/deploy.sh', 'traefik/dynamic/a.yml', 'secretsanta.yml'])
      await write(kept)
    for (const left of [
      '.env',
      '.env.local',
      'secrets/a',
      'deep/secrets/b',
      'certs/tls.crt',
      'tls.key',
      'x/ca.pem',
      '.git/config',
      'node_modules/x/y.js',
      'a.log',
    ])
      await write(left)
    const paths = (await listStackFiles(directory)).map(({ path }) => path)
    expect(paths).toEqual([
      '.env.example',
      'compose.yml',
      'scripts/deploy.sh',
      'secretsanta.yml',
      'traefik/dynamic/a.yml',
    ])
  })

  test('have one hash for path, executable bit and content, and for nothing else', async () => {
    await write('a', 'one')
    await write('b/c', 'two')
    const first = await hash()
    await write('a', 'one', 0o640)
    expect(await hash()).toBe(first)
    await chmod(join(directory, 'a'), 0o755)
    expect(await hash()).not.toBe(first)
    await write('a', 'One')
    expect(await hash()).not.toBe(first)
    await write('a', 'one')
    await write('d', '')
    expect(await hash()).not.toBe(first)
  })

  test('are plain files only', async () => {
    await write('a')
    await symlink('/etc/passwd', join(directory, 'link'))
    await expect(listStackFiles(directory)).rejects.toThrow(/link in .* is a link or a special file/)
  })
})

describe('the files of a release image', () => {
  test("carry modes and times that follow from the content alone, and are refused when they are not the manifest's", async () => {
    await write('stack/run.sh', 'x', 0o700)
    await write('stack/compose.yml', 'y', 0o600)
    await write('agent.js', 'agent')
    const stackDirectory = join(directory, 'stack')
    const manifest = releaseManifestSchema.parse({
      ...{
        schema: 1,
        id: '20261124t101500z-abc1234def01',
        commit: 'a'.repeat(40),
        repository: 'r',
        actor: 'a',
        run: '',
      },
      ...{ created: '2026-11-24T10:15:00Z', images: {}, migrations: [] },
      stack: stackHash(await listStackFiles(stackDirectory)),
      agent: { version: '1.0.0', sha256: sha256('agent') },
    })
    const parts = {
      manifest,
      stackDirectory,
      agentFile: join(directory, 'agent.js'),
      evidence: { web: { report: '{}', sbom: '[]' } },
    }
    const out = join(directory, 'out')
    await mkdir(out)
    await writeReleaseContext(out, parts)
    const modes = {
      'release.json': 0o644,
      'stack/run.sh': 0o755,
      'stack/compose.yml': 0o644,
      'agent/index.js': 0o644,
      'scan/web.report.json': 0o644,
      'scan/web.cdx.json': 0o644,
    }
    for (const [path, mode] of Object.entries(modes)) {
      const found = await stat(join(out, path))
      expect([path, found.mode & 0o777, found.mtimeMs]).toEqual([path, mode, Date.parse('2000-01-01T00:00:00Z')])
    }
    await writeFile(parts.agentFile, 'another agent')
    await expect(writeReleaseContext(out, parts)).rejects.toThrow(/its agent has the hash/)
  })
})
