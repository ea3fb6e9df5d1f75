import { describe, expect, it } from 'vitest'
import type { Outcome } from '../../../src/agent/protocol.ts'
import { endingWith } from './ending.ts'
import { freshKey } from './private-key.ts'
import { startServer } from './server.ts'

const key = freshKey()
const ending = (outcome: Outcome, message: string) => ({ outcome, message, serving: null, previous: null })

describe('backup', () => {
  it('asks for one, in the name of the person behind the job, and says what it holds', async () => {
    await using server = await startServer(key.text)
    endingWith(server, ending('done', 'backup 20261124t013000z-0a1b2c3d holds 120 documents and 4 studies'))
    const step = await server.run('backup')
    expect(step.log.messages('error')).toEqual([])
    expect(step.code).toBe(0)
    const [asked, ...more] = server.daemon.service.submitted
    expect(more).toEqual([])
    const run = 'https://github.com/org/pacs/actions/runs/4711/attempts/1'
    expect(asked?.request).toEqual({ kind: 'backup', actor: 'octocat', run })
    expect(step.outputs).toMatchObject({ outcome: 'done', transaction: asked?.id, 'exit-class': '0' })
    expect(step.summary).toMatch(/^### ✅ Back up staging\n\nbackup 20261124t013000z-0a1b2c3d holds 120 documents/)
    expect(step.summary).not.toContain('serving')
  })

  it('is red when the server could not, with its reason in one line', async () => {
    await using server = await startServer(key.text)
    const message = 'the dumps need about 900 MiB and /opt/pacs has 20 MiB free'
    endingWith(server, ending('refused', message))
    const step = await server.run('backup')
    expect([step.code, step.outputs['exit-class']]).toEqual([1, '10'])
    expect(step.log.messages('error')).toEqual([`refused: ${message}`])
    expect(step.summary).toContain('❌ Back up staging: refused')
  })
})
