// The job that builds, up to where a machine with Docker is needed: what it refuses, what it hides, what it leaves.
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Job } from '../../runner/index.ts'

const SECRET = 'sentinel-of-npm-5d1c0a'
const sound = { images: 'ghcr.io/org/pacs', scan: 'false', 'build-secrets': `npm=${SECRET}` }

/** A docker that no machine has. */
const env = { PATH: '/nowhere' }

describe('build', () => {
  it('says everything that is wrong with its inputs at once, and hides the secrets among them', async () => {
    await using job = await Job.create()
    const wrong = { images: 'Pacs', 'compose-file': '-f', scan: 'maybe' }
    const secrets = `npm=${SECRET}\nno value\nnpm=another-sentinel-77`
    const step = await job.run({ action: 'actions/build', with: { ...wrong, 'build-secrets': secrets }, env })
    expect([step.code, step.outputs]).toEqual([1, { 'exit-class': '40' }])
    const [message = '', ...more] = step.log.messages('error')
    expect(more).toEqual([])
    for (const said of ['images', 'compose-file', 'line 2 is not id=value', 'the id npm comes twice', 'scan']) {
      expect(message).toContain(said)
    }
    expect(step.log.messages('add-mask')).toContain(SECRET)
    expect(step.log.shown.join('\n')).not.toContain(SECRET)
    expect(await readdir(job.temp)).toEqual([])
  })

  it('keeps its secrets in files of its user alone until its post step, which leaves nothing', async () => {
    await using job = await Job.create()
    const step = await job.run({ action: 'actions/build', with: sound, env })
    expect(step.code).toBe(1)
    const [folder = ''] = await readdir(job.temp)
    const modes = await Promise.all(
      ['', 'secrets', 'secrets/npm'].map(async (path) => (await stat(join(job.temp, folder, path))).mode & 0o777),
    )
    expect(modes).toEqual([0o700, 0o700, 0o600])
    const post = await step.post()
    expect(await readdir(job.temp)).toEqual([])
    expect([...step.log.shown, ...post.shown, step.summary].join('\n')).not.toContain(SECRET)
  })

  it('masks the token of GitHub’s cache, and no word beside it', async () => {
    await using job = await Job.create()
    const cache = { ACTIONS_RUNTIME_TOKEN: 'sentinel-of-the-cache', ACTIONS_CACHE_SERVICE_V2: 'True' }
    const results = { ACTIONS_RESULTS_URL: 'https://results.example' }
    const step = await job.run({ action: 'actions/build', with: sound, env: { ...env, ...cache, ...results } })
    expect(step.log.messages('add-mask').filter((masked) => !masked.includes(SECRET))).toEqual([
      'sentinel-of-the-cache',
    ])
  })
})

describe('push', () => {
  it('says everything that is wrong with its inputs at once', async () => {
    await using job = await Job.create()
    const step = await job.run({ action: 'actions/push', with: { images: 'ghcr.io/Org/pacs:1', manifest: '' }, env })
    expect([step.code, step.outputs]).toEqual([1, { 'exit-class': '40' }])
    expect(step.log.messages('error')).toHaveLength(1)
    expect(step.log.messages('error')[0]).toMatch(
      /^input manifest is missing: .*\ninput images: "ghcr\.io\/Org\/pacs:1"/,
    )
  })

  it('names a draft that is not there', async () => {
    await using job = await Job.create()
    const inputs = { images: 'ghcr.io/org/pacs', manifest: 'draft.json', 'registry-password': SECRET }
    const step = await job.run({ action: 'actions/push', with: inputs, env })
    expect([step.code, step.outputs]).toEqual([1, { 'exit-class': '40' }])
    expect(step.log.messages('error')[0]).toMatch(/draft\.json cannot be read/)
    expect(step.log.shown.join('\n')).not.toContain(SECRET)
    expect(await readdir(job.temp)).toEqual([])
  })
})
