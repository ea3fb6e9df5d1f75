import { describe, expect, it } from 'vitest'
import { transactionPrefix } from '../../../src/actions/transaction.ts'
import { digestSchema, releaseIdSchema } from '../../../src/release/index.ts'
import { jobContext } from '../../../src/runner/index.ts'
import { status } from '../agent/daemon-fixture.ts'
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

  describe('to the previous release, by a run that is run again', () => {
    const env = { GITHUB_RUN_ATTEMPT: '2' }
    const run = { GITHUB_REPOSITORY: 'org/pacs', GITHUB_RUN_ID: '4711' }
    const prefix = transactionPrefix('rollback', { environment: 'staging', release: 'previous' }, jobContext(run))
    const rollBack = async (server: Server, outcome: 'deployed' | 'rolled-back', transaction: string, to = '') => {
      accepts(server)
      const result = { outcome, message: `${outcome} before`, serving: id, previous: null }
      server.daemon.service.statusAnswer = async () => ({ ...status, last: { transaction, result } })
      return server.run('rollback', { release: to, reason: 'images mirrored' }, { env })
    }

    it('goes no second step back', async () => {
      await using server = await startServer(key.text)
      const step = await rollBack(server, 'deployed', `${prefix}0a1b2c3d`)
      expect(step.log.messages('error')).toEqual([])
      expect(step.outputs).toMatchObject({ outcome: 'deployed', serving: id, transaction: `${prefix}0a1b2c3d` })
      expect(server.daemon.service.submitted).toEqual([])
    })

    it('goes back when the earlier attempt was undone, or the release is named', async () => {
      for (const [outcome, transaction, to] of [
        ['rolled-back', `${prefix}0a1b2c3d`, ''],
        ['deployed', 'deploy-0a1b2c3d4e5f-0a1b2c3d', id],
      ] as const) {
        await using server = await startServer(key.text)
        const step = await rollBack(server, outcome, transaction, to)
        expect(step.log.messages('error')).toEqual([])
        expect(server.daemon.service.submitted).toHaveLength(1)
      }
    })

    it('is refused when nobody can tell whether it went back already', async () => {
      await using server = await startServer(key.text)
      const step = await rollBack(server, 'deployed', 'deploy-0a1b2c3d4e5f-0a1b2c3d')
      expect(step.log.messages('error')).toEqual([
        expect.stringMatching(
          /^an earlier attempt of this run may have gone back .*start a new run, or name the release$/,
        ),
      ])
      expect([step.outputs['exit-class'], server.daemon.service.submitted]).toEqual(['10', []])
    })
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
