// How long people wait for the message about what broke.
import { type Lab, type Machine, waitFor } from '../lab/index.ts'
import { breakApi, breakThings, EXPECTED, mendRedis, type Raised } from './faults.ts'
import { answers, type Message, messages } from './site.ts'

/** Milliseconds for an alert to arrive beside its \`for\`, on a machine that does other things too. */
export const PATIENCE = 6 * 60_000

/**
 * Breaks things one after the other, waits for the message about each, and mends Redis before it takes the API away.
 * @returns for each alert the seconds from its cause to the message, and when Redis was mended, in seconds of the epoch
 */
export async function timeToMessages(
  lab: Lab,
  server: Machine,
): Promise<{ seconds: Record<Raised, number>; mended: number }> {
  // What Prometheus first sees when it has happened already is no increase to it.
  const counted = 'count_over_time(pacs_auth_attempts_total{purpose="log-in"}[5m]) > 1'
  await waitFor('the API to be scraped twice', async () => (await answers(server, counted)) > 0, PATIENCE)
  const broken = await breakThings(lab, server)
  const seconds: Partial<Record<Raised, number>> = {}
  const arrived = async (alert: Raised) => {
    const found = await waitFor(
      `a message about ${alert}`,
      async () => about(alert, broken[alert], await messages(server)),
      PATIENCE + EXPECTED[alert].holds * 1000,
    )
    seconds[alert] = found.at - broken[alert]
  }
  const later = new Set<Raised>(['ApiDown', 'EdgeProbeFailed', 'TargetDown'])
  const names = Object.keys(EXPECTED) as Raised[]
  for (const alert of names.filter((one) => !later.has(one))) await arrived(alert)
  const mended = await mendRedis(server)
  broken.ApiDown = broken.EdgeProbeFailed = await breakApi(server)
  for (const alert of later) await arrived(alert)
  return { seconds: seconds as Record<Raised, number>, mended }
}

/** The first message about `alert` since then at the receiver that it is for: some fire while the stack comes up. */
function about(alert: Raised, since: number, all: readonly Message[]): Message | undefined {
  const { receiver } = EXPECTED[alert]
  return all.find((one) => {
    if (one.at <= since) return false
    // The team hears by mail alone.
    if (receiver === 'warning')
      return (
        one.by === 'mail' &&
        one.to.includes('pacs-team@example.org') &&
        one.text.includes(`Subject: [FIRING warning] ${alert} `)
      )
    return (
      one.by === 'web' &&
      one.to === `/${receiver}` &&
      one.alerts.some((found) => found.alert === alert && found.status === 'firing')
    )
  })
}
