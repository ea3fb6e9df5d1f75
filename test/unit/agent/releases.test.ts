import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openReleases } from '../../../src/agent/server/releases.ts'
import { releaseManifestSchema, sha256 } from '../../../src/release/index.ts'

it('a release that is known already is refused as well when no scan has judged it, or a byte of its manifest was changed', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'pacs-releases-'))
  const id = '20261124t101500z-abc1234def01'
  const reference = `ghcr.io/org/pacs/release@${sha256('release')}`
  const image = { ref: 'ghcr.io/org/pacs/api', digest: sha256('m'), config: sha256('c'), platform: 'linux/amd64' }
  const manifest = releaseManifestSchema.parse({
    schema: 1,
    id,
    commit: 'abc1234def01'.padEnd(40, '0'),
    repository: 'org/pacs',
    actor: 'releaser',
    run: '',
    created: '2026-11-24T10:15:00.000Z',
    images: { api: { ...image, verdict: null } },
    migrations: [],
    stack: sha256('stack'),
    agent: { version: '1.2.3', sha256: sha256('agent') },
  })
  try {
    // Another one that a power cut or a removal left half is in nobody's way.
    await mkdir(join(directory, '20261101t101500z-abc1234def01', 'stack'), { recursive: true })
    await mkdir(join(directory, id))
    await writeFile(join(directory, id, 'release.json'), JSON.stringify(manifest))
    await writeFile(join(directory, id, 'release.json.sha256'), `${sha256(JSON.stringify(manifest))}\n`)
    await writeFile(join(directory, id, 'reference'), `${reference}\n`)
    const releases = openReleases(directory, {}, () => undefined)
    await expect(releases.fetch(reference, new AbortController().signal)).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('no scan has judged the image of api'),
    })
    expect((await releases.open(id)).reference).toBe(reference)
    // It says the same, and is not what was fetched.
    await writeFile(join(directory, id, 'release.json'), `${JSON.stringify(manifest)}\n`)
    const changed = {
      kind: 'refused',
      message: expect.stringMatching(/release.json has the hash .*, kept of it is sha/),
    }
    await expect(releases.open(id)).rejects.toMatchObject(changed)
    await expect(releases.fetch(reference, new AbortController().signal)).rejects.toMatchObject(changed)
    await rm(join(directory, id, 'release.json.sha256'))
    await expect(releases.open(id)).rejects.toMatchObject({ message: expect.stringContaining('kept of it is none') })
  } finally {
    await rm(directory, { recursive: true })
  }
})

it('a release that is not here, or no more, is refused with what brings it', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'pacs-releases-'))
  try {
    await expect(
      openReleases(directory, {}, () => undefined).open('20261124t101500z-abc1234def01'),
    ).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringMatching(
        /^release 20261124t101500z-abc1234def01 is not on this server: .*pacs-agent migrate/,
      ),
    })
  } finally {
    await rm(directory, { recursive: true })
  }
})
