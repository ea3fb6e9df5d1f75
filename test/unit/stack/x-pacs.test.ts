import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { xPacsKeys, xPacsSchema } from '../../../src/stack/x-pacs.ts'

describe('x-pacs', () => {
  test('is read into units and names that the code uses', () => {
    const written = {
      port: 3000,
      route: 'PathPrefix(`/api`) && !Path(`/api/(x`)',
      middlewares: ['secure'],
      routes: [{ route: 'Path(`/api/log-in`)', middlewares: ['secure', 'log-in'] }],
      edge: 'traefik/edge.yml',
      ready: '/health/ready?deep=1',
      checks: [{ path: '/api/version', status: 204 }, { path: '/api' }],
      assets: '/assets',
      metrics: { port: 9464, 'in-flight': 'pacs_http_requests_in_flight' },
      critical: false,
      reload: 'SIGHUP',
      'bundle-budget': '600KiB',
      data: { kind: 'orthanc', volume: 'store' },
      allow: { limits: 'it is measured first' },
    }
    expect(xPacsSchema.parse(written)).toEqual({
      port: 3000,
      route: 'PathPrefix(`/api`) && !Path(`/api/(x`)',
      middlewares: ['secure'],
      routes: [{ route: 'Path(`/api/log-in`)', middlewares: ['secure', 'log-in'] }],
      edge: 'traefik/edge.yml',
      ready: '/health/ready?deep=1',
      checks: [
        { path: '/api/version', status: 204 },
        { path: '/api', status: 200 },
      ],
      assets: '/assets',
      metrics: { port: 9464, path: '/metrics', inFlight: 'pacs_http_requests_in_flight' },
      critical: false,
      reload: 'SIGHUP',
      bundleBudget: 614_400,
      data: { kind: 'orthanc', volume: 'store' },
      allow: { limits: 'it is measured first' },
    })
    expect(Object.keys(written).toSorted()).toEqual(xPacsKeys[''].toSorted())
  })

  test('is explained key by key in docs/stack.md', async () => {
    const text = await readFile(new URL('../../../docs/stack.md', import.meta.url), 'utf8')
    const explained = [...text.matchAll(/^\| (`[^|]+`) \|/gm)].flatMap(([, cell = '']) => cell.match(/[a-z-]+/g) ?? [])
    expect(explained.toSorted()).toEqual(xPacsKeys[''].toSorted())
  })

  test('makes a service critical that says nothing', () => {
    expect(xPacsSchema.parse({})).toMatchObject({ critical: true, checks: [] })
  })

  test.each([
    [{ port: 0 }],
    [{ port: 65_536 }],
    [{ port: '3000' }],
    [{ ready: 'health' }],
    [{ ready: '/a b' }],
    [{ checks: [{ status: 200 }] }],
    [{ checks: [{ path: '/', status: 99 }] }],
    [{ checks: [{ path: '/', code: 200 }] }],
    [{ assets: '/assets/' }],
    [{ assets: '/' }],
    [{ route: 'PathPrefix(`/api)' }],
    [{ route: 'PathPrefix(`/api`' }],
    [{ route: ')PathPrefix(' }],
    [{ route: '/api' }],
    [{ metrics: { path: '/metrics' } }],
    [{ metrics: { port: 1, 'in-flight': 'in flight' } }],
    [{ reload: 'SIGKILL' }],
    [{ 'bundle-budget': '600' }],
    [{ 'bundle-budget': '-1KiB' }],
    [{ critical: 'yes' }],
    [{ data: { kind: 'postgres' } }],
    [{ data: { kind: 'redis', user: 'backup' } }],
    [{ data: { kind: 'orthanc', volume: 'a/b' } }],
    [{ data: { kind: 'orthanc', volume: 'a', index: 'postgres' } }],
    [{ data: { kind: 'orthanc', volume: 'a', index: { service: 'postgres', database: 'a b', user: 'orthanc' } } }],
    [{ ports: 3000 }],
  ])('refuses %j', (value) => {
    expect(xPacsSchema.safeParse(value).success).toBe(false)
  })
})
