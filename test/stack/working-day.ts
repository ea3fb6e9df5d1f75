// What people do with the reference app on the shipped stack. What goes on while a store is away: test/integration/reference-app.test.ts.
import { beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { Lab, Machine } from '../lab/index.ts'
import { logIn, type Session, type VisitOptions, visit } from './visit.ts'

const problem = z.object({ error: z.string() })
const identified = z.object({ id: z.string() })
const notifications = z.object({ notifications: z.array(identified.extend({ acknowledgedBy: z.string().nullable() })) })
const signature = z.object({
  printedName: z.string(),
  meaning: z.string(),
  signedAt: z.iso.datetime(),
  recordId: z.string(),
  recordHash: z.string(),
  problem: z.string().nullable(),
})
const report = z.object({
  versions: z.array(identified.extend({ state: z.string(), hash: z.string(), signatures: z.array(signature) })),
})
const chain = z.object({ entries: z.number(), broken: z.unknown() })
const trail = z.object({ entries: z.array(z.object({ user: z.string(), action: z.string(), outcome: z.string() })) })

/** @param place the stack, once it runs, and a study that it has */
export function describeWorkingDay(place: () => { lab: Lab; server: Machine; study: string }): void {
  let lab: Lab
  let server: Machine
  let study: string
  let jane: Session
  let john: Session

  beforeAll(async () => {
    ;({ lab, server, study } = place())
    jane = await logIn(lab, server, 'jane')
    john = await logIn(lab, server, 'john')
  })

  /** The answer, which must have this status, read by `schema`. */
  async function ask<T>(schema: z.ZodType<T>, status: number, path: string, options: VisitOptions): Promise<T> {
    const answer = await visit(lab, server, path, options)
    expect(answer.status, `${path}: ${answer.body.toString().slice(0, 300)}`).toBe(status)
    return schema.parse(JSON.parse(answer.body.toString()))
  }
  const reportOf = (session: Session) => ask(report, 200, `/api/studies/${study}/report`, { session })

  describe('a working day', () => {
    test('begins with a log-in: nothing of a patient is shown without one', async () => {
      for (const path of ['/api/studies', `/api/studies/${study}/rendered`, '/api/notifications', '/api/audit']) {
        await ask(problem, 401, path, {})
      }
      await ask(problem, 403, '/api/studies/search', { session: { ...jane, csrfToken: '' }, body: {} })
    })

    test('tells of a critical finding, which one person acknowledges', async () => {
      const finding = { study, severity: 'critical', finding: 'Tension pneumothorax', recipient: 'john' }
      const { id } = await ask(identified, 201, '/api/notifications', { session: jane, body: finding })
      await ask(identified, 200, `/api/notifications/${id}/acknowledge`, { session: john, body: {} })
      const late = await ask(problem, 409, `/api/notifications/${id}/acknowledge`, { session: jane, body: {} })
      expect(late.error).toContain('john has acknowledged it already')
      const path = '/api/notifications?state=acknowledged'
      const { notifications: known } = await ask(notifications, 200, path, { session: jane })
      expect(known).toContainEqual({ id, acknowledgedBy: 'john' })
    })

    test('has a report written and signed, and the signature shows who, when, what for, and that it still fits', async () => {
      const path = `/api/studies/${study}/report`
      await ask(report, 200, path, { session: jane, method: 'PUT', body: { text: 'A fracture.', base: 0 } })
      await ask(problem, 409, path, { session: jane, method: 'PUT', body: { text: 'None.', base: 0 } })
      const signing = { version: 1, meaning: 'author', password: 'a guess' }
      await ask(problem, 401, `${path}/sign`, { session: jane, body: signing })
      await ask(report, 200, `${path}/sign`, { session: jane, body: { ...signing, password: 'jane in the lab' } })
      const [version] = (await reportOf(john)).versions
      expect(version?.state).toBe('signed')
      expect(version?.signatures).toMatchObject([
        {
          printedName: 'Dr. Jane Roe',
          meaning: 'author',
          recordId: version?.id,
          recordHash: version?.hash,
          problem: null,
        },
      ])
    })

    test('lets a study be taken away as a ZIP', async () => {
      const { id } = await ask(identified, 201, '/api/exports', { session: john, body: { studies: [study] } })
      const archive = await visit(lab, server, `/api/exports/${id}/archive`, { session: john })
      expect(archive.headers['content-type']).toBe('application/zip')
      expect(archive.body.subarray(0, 2).toString()).toBe('PK')
      expect(archive.body.length).toBeGreaterThan(1000)
      await ask(problem, 404, `/api/exports/${id}/archive`, { session: jane })
    })

    test('leaves an audit trail whose chain is whole', async () => {
      const alan = await logIn(lab, server, 'alan')
      const { entries } = await ask(trail, 200, '/api/audit', { session: alan })
      const said = entries.map(({ user, action, outcome }) => `${user} ${action} ${outcome}`)
      for (const [user, action] of [
        ['jane', 'notification.create'],
        ['john', 'notification.acknowledge'],
        ['jane', 'report.sign'],
        ['john', 'export.download'],
      ]) {
        expect(said).toContain(`${user} ${action} success`)
      }
      expect(said).toContain('jane report.sign failure')
      expect(await ask(chain, 200, '/api/audit/verification', { session: alan })).toMatchObject({
        entries: entries.length,
        broken: null,
      })
      await ask(problem, 403, '/api/audit', { session: jane })
    })
  })
}
