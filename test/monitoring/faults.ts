// Real things that are broken, each with the alerts that must be heard of.
import { z } from 'zod'
import { syntheticImage } from '../dicom/synthetic-image.ts'
import { type Lab, type Machine, waitFor } from '../lab/index.ts'
import { compose } from '../stack/standalone.ts'
import { logIn, type Session, visit } from '../stack/visit.ts'

/** Seconds that pass by design: until it is scraped and evaluated, `for`, and until the group is sent. */
interface Expected {
  receiver: 'critical' | 'warning' | 'security' | 'compliance'
  /** `for` of the rule. */
  holds: number
  /** `group_wait` of the route. */
  wait: number
}

/** The alerts that the faults below raise. */
export const EXPECTED = {
  LoginFailures: { receiver: 'security', holds: 0, wait: 10 },
  NamesLocked: { receiver: 'security', holds: 0, wait: 10 },
  ForbiddenRequests: { receiver: 'security', holds: 0, wait: 10 },
  SignaturePasswordsWrong: { receiver: 'security', holds: 0, wait: 10 },
  AuditWriteFailed: { receiver: 'compliance', holds: 0, wait: 10 },
  SignaturesFail: { receiver: 'compliance', holds: 0, wait: 10 },
  MongoDown: { receiver: 'critical', holds: 60, wait: 10 },
  RedisDown: { receiver: 'critical', holds: 60, wait: 10 },
  OrthancDown: { receiver: 'critical', holds: 60, wait: 10 },
  ApiDown: { receiver: 'critical', holds: 60, wait: 10 },
  EdgeProbeFailed: { receiver: 'critical', holds: 120, wait: 10 },
  TargetDown: { receiver: 'warning', holds: 300, wait: 30 },
} as const satisfies Record<string, Expected>

export type Raised = keyof typeof EXPECTED

/** More than the alert lets pass. */
const FORBIDDEN = 30

/** A scrape and an evaluation, every 15 s each. */
export const SCRAPED_AND_EVALUATED = 30

/**
 * Breaks one thing after the other.
 * @returns for each alert when its cause was there, in seconds of the epoch
 */
export async function breakThings(lab: Lab, server: Machine): Promise<Record<Raised, number>> {
  const now = () => Date.now() / 1000
  const session = await logIn(lab, server)
  const study = await signable(lab, server, session)
  const since: Partial<Record<Raised, number>> = {}

  // First what is heard of last.
  since.TargetDown = now()
  await compose(server, ['stop', '--timeout', '5', 'node-exporter'])

  // Somebody guesses passwords: five of one name before it is locked, then on with it; and of many names.
  since.LoginFailures = now()
  for (let n = 0; n < 25; n++) await guess(lab, server, `guess${n}`)
  since.NamesLocked = now()
  for (let n = 0; n < 14; n++) await guess(lab, server, 'john')
  // A program with a stolen cookie and without the token of the page, on a route whose pace the edge does not limit.
  since.ForbiddenRequests = now()
  const cookieOnly = { cookie: session.cookie, csrfToken: 'none' }
  for (let n = 0; n < FORBIDDEN; n++) {
    const { status } = await visit(lab, server, '/api/notifications', { session: cookieOnly, body: { study } })
    z.literal(403).parse(status)
  }
  // Somebody signs at a desk that another left.
  since.SignaturePasswordsWrong = now()
  const sign = (password: string) =>
    visit(lab, server, `/api/studies/${study}/report/sign`, {
      session,
      body: { version: 1, meaning: 'reviewer', password },
    })
  for (let n = 0; n < 5; n++) await sign(`wrong ${n}`)

  // What was never looked at before has to be written down, and cannot be.
  since.MongoDown = now()
  await compose(server, ['stop', '--timeout', '5', 'mongodb'])
  since.AuditWriteFailed = now()
  await visit(lab, server, '/api/studies?limit=3', { session })
  since.SignaturesFail = now()
  await visit(lab, server, `/api/studies/${study}/report/sign`, {
    session,
    body: { version: 1, meaning: 'approver', password: 'any' },
  })
  since.OrthancDown = now()
  await compose(server, ['stop', '--timeout', '5', 'orthanc'])
  since.RedisDown = now()
  await compose(server, ['stop', '--timeout', '5', 'redis'])
  return since as Record<Raised, number>
}

/** Takes the API away, which hides from Prometheus whatever only the API tells: last. */
export async function breakApi(server: Machine): Promise<number> {
  await compose(server, ['stop', '--timeout', '5', 'backend'])
  return Date.now() / 1000
}

/** Brings Redis back. @returns when, in seconds of the epoch */
export async function mendRedis(server: Machine): Promise<number> {
  const at = Date.now() / 1000
  await compose(server, ['start', 'redis'])
  return at
}

/** Guesses a password; again where the edge, which lets 30 through at once and then one a second, keeps it from the API. */
async function guess(lab: Lab, server: Machine, name: string): Promise<void> {
  await waitFor(
    'the edge to let a guess through',
    async () => {
      const { status, body } = await visit(lab, server, '/api/session', { body: { name, password: 'a guess' } })
      return status !== 429 || body.toString().includes('too many wrong passwords')
    },
    60_000,
  )
}

async function signable(lab: Lab, server: Machine, session: Session): Promise<string> {
  const study = syntheticImage().studyInstanceUid
  const path = `/api/studies/${study}/report`
  const { status } = await visit(lab, server, path, { session, method: 'PUT', body: { text: 'synthetic', base: 0 } })
  return z.string().parse(status === 200 ? study : undefined)
}
