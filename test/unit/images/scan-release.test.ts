import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { DEFAULT_POLICY, scanRelease } from '../../../src/images/index.ts'
import { sha256 } from '../../../src/release/index.ts'
import { engineAt } from './fake-engine.ts'

const release = {
  schema: 1,
  id: '20261124t101500z-abc1234def01',
  commit: 'abc1234def01'.padEnd(40, '0'),
  ...{ repository: 'org/pacs', actor: 'jane', run: '', created: '2026-11-24T10:15:00.000Z' },
  ...{ images: {}, migrations: [], stack: sha256('stack'), agent: { version: '1.0.0', sha256: sha256('agent') } },
}
const labels = { 'org.pacs-deploy.kind': 'release', 'org.pacs-deploy.manifest': sha256(JSON.stringify(release)) }
const inspected = {
  Descriptor: { digest: sha256('release') },
  OCIManifest: { config: { digest: sha256('config') } },
}

const info = {
  ...{ OSType: 'linux', Architecture: 'x86_64', DriverStatus: [['Backing Filesystem', 'extfs']] },
  DockerRootDir: '/nowhere',
}

/** A docker client whose registry has one release image, which names no image of a service. */
const docker = `#!/bin/sh
case "$1 $2" in
  'manifest inspect') echo '${JSON.stringify(inspected)}' ;;
  'image inspect') echo '${JSON.stringify(labels)}' ;;
  'create '*) echo container ;;
  'cp container:/release.json') printf %s '${JSON.stringify(release)}' > "$3" ;;
  'cp container:/scan') mkdir "$3" ;;
esac
`

test('a release without images is not one in which nothing new was found', async () => {
  const bin = await mkdtemp(join(tmpdir(), 'pacs-no-images-'))
  try {
    await writeFile(join(bin, 'docker'), docker, { mode: 0o755 })
    await using engine = await engineAt(bin, { 'GET /info': info })
    const scan = {
      pinned: { version: '0.74.0', platforms: {} },
      given: { path: join(bin, 'none'), sha256: sha256('none') },
      ...{ databases: [], javaDatabases: [], policy: DEFAULT_POLICY, waivers: [], cache: join(bin, 'cache') },
    }
    const judged = scanRelease({
      release: { repository: 'ghcr.io/org/pacs/release', digest: sha256('release') },
      scan,
      runs: () => true,
      dockerConfigDirectory: join(bin, 'config'),
      env: { PATH: `${bin}:/usr/bin:/bin`, DOCKER_HOST: engine.host },
      log: () => undefined,
      signal: new AbortController().signal,
    })
    await expect(judged).rejects.toMatchObject({
      kind: 'refused',
      message: `release ${release.id} names no image that runs, so there is nothing to judge: build and push it again`,
    })
  } finally {
    await rm(bin, { recursive: true, force: true, maxRetries: 5 })
  }
})
