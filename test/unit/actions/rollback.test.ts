import { describe, expect, it } from 'vitest'
import { digestSchema, releaseIdSchema } from '../../../src/release/index.ts'
import { freshKey } from './private-key.ts'
import { type Server, startServer } from './server.ts'

const key = freshKey()
const id = releaseIdSchema.parse('20261123t101500z-abc1234def01')
const reference = `ghcr.io/org/pacs/release@sha256:${'2'.repeat(64)}`

function accepts(server: Server): void {
  const content = digestSchema.parse(`sha256:${'3'.repeat(64)}`)
  server.daemon.service.releases = async () => ({
    releases: [{ id, reference, content, commit: 'a'.repeat(40), accepted: '', state: 'kept' as const }],
  })
}

describe('rollback', () => {
  it('asks for a release by id, by image, or for the previous one', async () => {
    for (const [release, to] of [
      [id, id],
      [reference, id],
      ['', undefined],
    ]) {
      await using server = await startServer(key.text)
      accepts(server)
      const inputs = { release: release ?? '', reason: 'images mirrored', config: 'current' }
      const step = await server.run('rollback', { ...inputs, 'registry-password': 'sentinel-token' })
      expect(step.log.messages('error')).toEqual([])
      expect(step.code).toBe(0)
      const [asked] = server.daemon.service.submitted
      expect(asked?.request).toMatchObject({
        kind: 'rollback',
        reason: 'images mirrored',
        config: 'current',
        watch: 60_000,
      })
      expect(asked?.request).toMatchObject({ registry: { server: 'ghcr.io', password: 'sentinel-token' } })
      expect(asked?.request.kind === 'rollback' && asked.request.to).toBe(to)
      expect(step.summary).toContain('| reason | images mirrored |')
    }
  })

  it('refuses an image that this server never accepted, and names those that it has', async () => {
    await using server = await startServer(key.text)
    accepts(server)
    const release = `ghcr.io/org/pacs/release@sha256:${'9'.repeat(64)}`
    const step = await server.run('rollback', { release, reason: 'x' })
    expect(step.log.messages('error')).toEqual([
      `this server never accepted ${release}; it can go back to: ${id} (kept)`,
    ])
    expect([step.outputs['exit-class'], server.daemon.service.submitted]).toEqual(['10', []])
  })

  it('wants a reason and a release that could be one', async () => {
    await using server = await startServer(key.text)
    const step = await server.run('rollback', { release: 'v1', reason: '', config: 'old' })
    expect(step.log.messages('error')[0]?.split('\n')).toEqual([
      expect.stringMatching(/^input release: "v1" is neither a release id/),
      'input reason is missing: set it under `with:`',
      'input config: "old" is not allowed; write its-own or current',
    ])
  })
})
