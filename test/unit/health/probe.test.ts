import { describe, expect, it } from 'vitest'
import { probe, publicCheck } from '../../../src/health/index.ts'
import { publicSite } from './public-site.ts'

const timeout = 10_000
const identity = { header: 'X-Pacs-Instance', value: '0a1b2c3d' }
const never = new AbortController().signal

describe('probe', () => {
  it('tells status and headers of an answer that was read to its end', async () => {
    await using site = await publicSite((_request, response) => response.writeHead(204, { 'x-one': 'two' }).end())
    expect(await probe(site.url, { ca: site.ca, timeout })).toMatchObject({
      ...{ ok: true, status: 204, headers: { 'x-one': 'two' } },
    })
  })

  it('trusts no certificate that the given authorities did not sign', async () => {
    await using site = await publicSite((_request, response) => response.end('ok'))
    expect(await probe(site.url, { timeout })).toMatchObject({ ok: false, error: expect.stringMatching(/self-signed/) })
  })

  it('takes a short body for no answer', async () => {
    await using site = await publicSite((_request, response) => {
      response.writeHead(200, { 'content-length': '100' })
      response.write('half', () => response.destroy())
    })
    expect(await probe(site.url, { ca: site.ca, timeout })).toMatchObject({ ok: false })
  })

  it('takes silence for no answer', async () => {
    await using site = await publicSite(() => {})
    expect(await probe(site.url, { ca: site.ca, timeout: 100 })).toMatchObject({
      ...{ ok: false, error: 'no answer within 100 ms' },
    })
  })

  it('says that nothing listens', async () => {
    const { url, ca } = await publicSite(() => {}).then(async (site) => {
      await site[Symbol.asyncDispose]()
      return site
    })
    expect(await probe(url, { ca, timeout })).toMatchObject({
      ok: false,
      error: expect.stringContaining('ECONNREFUSED'),
    })
  })
})

describe('public check', () => {
  it.each([
    [200, '0a1b2c3d', true],
    [302, '0a1b2c3d', true],
    [404, '0a1b2c3d', false],
    [500, '0a1b2c3d', false],
    [200, 'ffffffff', false],
    [200, undefined, false],
  ])('finds status %s from instance %s: %s', async (status, instance, ok) => {
    await using site = await publicSite((_request, response) => {
      response.writeHead(status, instance === undefined ? {} : { 'X-Pacs-Instance': instance }).end()
    })
    const finding = await publicCheck({ url: site.url, identity, ca: site.ca, timeout }).look(never)
    expect(finding.ok, finding.detail).toBe(ok)
  })
})
