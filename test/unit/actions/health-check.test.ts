import { describe, expect, it } from 'vitest'
import { digestSchema, releaseIdSchema } from '../../../src/release/index.ts'
import { i8 } from '../../../src/stack/index.ts'
import { status } from '../agent/daemon-fixture.ts'
import { publicSite } from '../health/public-site.ts'
import { freshKey } from './private-key.ts'
import { type Server, startServer } from './server.ts'

const key = freshKey()
const release = releaseIdSchema.parse('20261124t101500z-abc1234def01')
const reference = `ghcr.io/org/pacs/release@sha256:${'1'.repeat(64)}`
const instance = `${release}-0123abcd`
const content = digestSchema.parse(`sha256:${'3'.repeat(64)}`)

function serves(server: Server): void {
  const { service } = server.daemon
  service.statusAnswer = async () => ({ ...status, serving: { instance, release, config: '0123abcd', content } })
  service.releases = async () => ({
    releases: [{ id: release, reference, content, commit: '', accepted: '', state: 'serving' as const }],
  })
}

function siteOf(header: string) {
  return publicSite((_request, response) => response.writeHead(200, { 'X-Pacs-Instance': header }).end('page'))
}

async function check(server: Server, ca: string, inputs: Record<string, string> = {}) {
  return server.run(
    'health-check',
    { consecutive: '1', within: '0s', 'ca-file': 'ca.pem', ...inputs },
    { files: { 'ca.pem': ca } },
  )
}

describe('health-check', () => {
  it('is green when the agent and the public URL say so and the wanted release is the one that answers', async () => {
    await using site = await siteOf(i8(instance))
    await using server = await startServer(key.text, site.url)
    serves(server)
    const step = await check(server, site.ca, { release: reference })
    expect(step.log.messages('error')).toEqual([])
    expect([step.code, step.outputs['exit-class']]).toEqual([0, '0'])
    expect(step.summary).toContain(`✅ Health of staging`)
  })

  it('is unhealthy when another instance answers from outside', async () => {
    await using site = await siteOf('ffffffff')
    await using server = await startServer(key.text, site.url)
    serves(server)
    const step = await check(server, site.ca)
    expect([step.code, step.outputs['exit-class']]).toEqual([1, '11'])
    expect(step.log.messages('error')[0]).toContain(`is ffffffff, wanted ${i8(instance)}: something else answers there`)
  })

  it('is unhealthy when the agent finds a part that is not, or has looked at nothing', async () => {
    await using site = await siteOf(i8(instance))
    await using server = await startServer(key.text, site.url)
    serves(server)
    const broken = { name: 'backend', critical: true, ok: false, detail: 'status 503', ms: 1 }
    server.daemon.service.health = async () => ({ healthy: false, checks: [broken] })
    const bad = await check(server, site.ca)
    server.daemon.service.health = async () => ({ healthy: true, checks: [] })
    const nothing = await check(server, site.ca)
    expect([bad.outputs['exit-class'], nothing.outputs['exit-class']]).toEqual(['11', '11'])
    expect(bad.log.messages('error')[0]).toContain('agent: backend: status 503')
    expect(nothing.log.messages('error')[0]).toContain('agent: the agent checked nothing')
  })

  it('is unhealthy when another release serves, or none', async () => {
    await using site = await siteOf(i8(instance))
    await using server = await startServer(key.text, site.url)
    const none = await check(server, site.ca)
    serves(server)
    const wanted = `ghcr.io/org/pacs/release@sha256:${'8'.repeat(64)}`
    const other = await check(server, site.ca, { release: wanted })
    expect(none.log.messages('error')[0]).toMatch(/^nothing serves/)
    expect(other.log.messages('error')).toEqual([`${release} serves, not ${wanted}`])
    expect([none.outputs['exit-class'], other.outputs['exit-class']]).toEqual(['11', '11'])
  })
})
