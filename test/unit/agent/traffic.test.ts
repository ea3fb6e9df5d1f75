import { describe, expect, it } from 'vitest'
import { emptyState, type Instance, type State } from '../../../src/agent/transaction/state.ts'
import { trafficOf } from '../../../src/agent/transaction/traffic.ts'
import { memoryPlanner, memoryRelease, Server } from './memory-world.ts'

/** An instance with a policy of its own: `limit` requests a second may log in. */
async function instance(number: number, limit: number): Promise<Instance> {
  const planner = memoryPlanner(new Server())
  const { instance: made } = await planner.plan(memoryRelease(number), await planner.sealConfig())
  const [service] = made.services
  if (!service) throw new Error('the memory planner made no service')
  service.middlewares = ['secure']
  service.routes = [{ rule: 'Path(`/log-in`) && Method(`POST`)', middlewares: ['secure', 'log-in'] }]
  made.edge = {
    middlewares: { secure: { headers: {} }, 'log-in': { rateLimit: { average: limit } } },
    tls: { default: { minVersion: number === 1 ? 'VersionTLS12' : 'VersionTLS13' } },
  }
  return made
}

const written = (state: State) => JSON.parse(trafficOf(state, null).text)

describe('the policy of the edge', () => {
  it('holds for every router of its own instance, and for no other', async () => {
    const [old, next] = [await instance(1, 5), await instance(2, 7)]
    const staging: State = {
      ...emptyState,
      phase: 'staging',
      serving: old,
      candidate: { ...next, preview: 'the-secret' },
    }
    const { http, tls } = written(staging)
    expect(http.routers['public1-web']).toEqual({
      rule: 'Path(`/log-in`) && Method(`POST`)',
      service: `web-${old.i8}`,
      middlewares: [`instance-${old.i8}`, `secure-${old.i8}`, `log-in-${old.i8}`],
    })
    expect(http.routers['preview1-web'].middlewares).toEqual([
      `instance-${next.i8}`,
      `secure-${next.i8}`,
      `log-in-${next.i8}`,
    ])
    expect(http.routers['preview1-web'].rule).toBe(
      '(Path(`/log-in`) && Method(`POST`)) && Header(`X-Pacs-Preview`, `the-secret`)',
    )
    expect(http.routers[`assets-web-${next.i8}`].middlewares).toContain(`secure-${next.i8}`)
    expect(http.middlewares[`log-in-${old.i8}`]).toEqual({ rateLimit: { average: 5 } })
    expect(http.middlewares[`log-in-${next.i8}`]).toEqual({ rateLimit: { average: 7 } })
    expect(tls.options.default.minVersion).toBe('VersionTLS12')
  })

  it('holds for the exceptions of a service also beside one that is named like them', async () => {
    const both = await instance(1, 5)
    const [web] = both.services
    if (!web) throw new Error('no service')
    both.services.push({ ...web, name: 'web-1', routes: [] })
    const { http } = written({ ...emptyState, serving: both })
    const rules = Object.values<{ rule: string }>(http.routers).map(({ rule }) => rule)
    expect(rules).toEqual([web.route, web.routes[0]?.rule, web.route])
  })

  it('of what is switched to holds for the TLS of all', async () => {
    const [old, next] = [await instance(1, 5), await instance(2, 7)]
    const { tls, http } = written({
      ...emptyState,
      phase: 'switched',
      serving: old,
      candidate: { ...next, preview: 'the-secret' },
    })
    expect(tls).toEqual({ options: { default: { minVersion: 'VersionTLS13' } } })
    expect(Object.keys(http.routers)).not.toContain('preview1-web')
    expect(http.routers['public1-web'].service).toBe(`web-${next.i8}`)
  })
})
