import { describe, expect, it } from 'vitest'
import { layout } from '../../../src/agent/layout.ts'
import { planData } from '../../../src/agent/server/plan-data.ts'
import { FIT, stackFrom } from '../stack/stack-from.ts'
import { memoryRelease } from './memory-world.ts'

const release = memoryRelease(1)

/** What is planned with this `.env`. */
const plan = (env: Readonly<Record<string, string>>) =>
  planData(
    stackFrom(FIT),
    release,
    { revision: '0123456789abcdef', directory: '/opt/pacs/config/0123', env, certificate: null },
    layout(),
  )

describe('a backup', () => {
  const always = [
    { name: 'stack', path: '/releases/20261121t100000z-000000000000/stack', secret: false },
    { name: 'audit', path: '/opt/pacs/audit', secret: false },
    { name: 'journal', path: '/opt/pacs/journal', secret: false },
  ]

  it.each([undefined, 'no'])('leaves the secrets of the server alone with BACKUP_SECRETS=%s', async (chosen) => {
    const { folders } = await plan(chosen === undefined ? {} : { BACKUP_SECRETS: chosen })
    expect(folders).toEqual(always)
  })

  it('takes them along, marked as secret, where somebody chose so', async () => {
    const { folders } = await plan({ BACKUP_SECRETS: 'yes' })
    expect(folders).toEqual([...always, { name: 'config', path: '/opt/pacs/config/0123', secret: true }])
  })

  it.each(['true', 'Yes', ''])('is not guessed at with BACKUP_SECRETS=%j', async (chosen) => {
    await expect(plan({ BACKUP_SECRETS: chosen })).rejects.toMatchObject({
      kind: 'bad-input',
      message: '.env: BACKUP_SECRETS is neither yes nor no',
    })
  })

  it('asks each service in its container, also where that has a name of its own', async () => {
    const named =
      'image: store:1.2\n    container_name: archive\n    x-pacs: { data: { kind: orthanc, volume: store } }'
    const { web } = release.manifest.images
    const images = { store: web ?? expect.unreachable() }
    const { archives } = await planData(
      stackFrom(FIT.replace('image: store:1.2', named)),
      { ...release, manifest: { ...release.manifest, images } },
      { revision: '0123456789abcdef', directory: '/opt/pacs/config/0123', env: {}, certificate: null },
      layout(),
    )
    expect(archives).toMatchObject([{ service: 'store', container: 'archive' }])
  })

  it('goes where .env says, with what its store wants and nothing else of the configuration', async () => {
    const store = { AWS_ACCESS_KEY_ID: 'key', RESTIC_REST_USERNAME: 'pacs' }
    const password = '/opt/pacs/config/0123/secrets/restic-password'
    expect(await plan({})).toMatchObject({
      repository: { location: '/opt/pacs/backups/repository', passwordFile: password, env: {} },
      second: null,
    })
    const chosen = { BACKUP_REPOSITORY: '/mnt/backups', BACKUP_SECOND_REPOSITORY: 's3:https://store/pacs' }
    const { repository, second } = await plan({ ...chosen, ...store, TOKEN: 'of the app' })
    expect(repository).toEqual({ location: '/mnt/backups', passwordFile: password, env: store })
    expect(second).toEqual({ location: 's3:https://store/pacs', passwordFile: password, env: store })
  })
})
