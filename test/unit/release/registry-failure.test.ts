import { describe, expect, test } from 'vitest'
import { classifyRegistryFailure, describeRegistryFailure } from '../../../src/release/registry-failure.ts'

// What docker 26 and 28 printed for real answers of registries.
describe('a registry failure', () => {
  test.each([
    ['absent', 'no such manifest: registry.lab:5000/t/release:y'],
    ['absent', 'Error response from daemon: manifest for r.lab/t:y not found: manifest unknown: manifest unknown'],
    ['login', 'Error response from daemon: Get "https://r.lab/v2/": unauthorized: incorrect username or password'],
    ['login', 'no basic auth credentials'],
    ['denied', 'denied: permission_denied: write_package'],
    ['denied', 'unauthorized: access to the requested resource is not authorized: insufficient_scope'],
    ['denied', 'error parsing HTTP 403 response body: unexpected end of JSON input: ""'],
    ['certificate', 'tls: failed to verify certificate: x509: certificate signed by unknown authority'],
    ['plain-http', 'http: server gave HTTP response to HTTPS client'],
    ['web-page', "error parsing HTTP 200 response body: invalid character '<' looking for beginning of value"],
    ['web-page', 'error parsing HTTP 404 response body: invalid character \'<\': "<title>404 Not Found</title>"'],
    ['web-page', 'Error response from daemon: login attempt to https://r.lab/v2/ failed with status: 404 Not Found'],
    ['web-page', 'unsupported manifest media type and no default available: text/html'],
    ['full-disk', 'failed to register layer: write /usr/lib/502/x.so: no space left on device'],
    ['passing', 'toomanyrequests: You have reached your pull rate limit'],
    ['passing', `error parsing HTTP 502 response body: invalid character '<' looking for beginning of value: "<html>"`],
    ['passing', 'received unexpected HTTP status: 503 Service Unavailable'],
    ['passing', 'write tcp 10.0.0.2:1->10.0.0.3:443: write: connection reset by peer'],
    ['passing', 'Get "https://r.lab/v2/": dial tcp: lookup r.lab: no such host'],
    ['passing', 'unexpected EOF'],
    ['other', 'something new'],
  ])('is told as %s: %s', (kind, text) => {
    expect(classifyRegistryFailure(text).kind).toBe(kind)
  })

  test.each([
    ['toomanyrequests: retry-after: 1.2s, allowed: 44000/minute', 1200],
    ['toomanyrequests: retry-after: 359.541µs, allowed: 44000/minute', 0],
    ['429 Too Many Requests\nRetry-After: 30', 30_000],
    ['toomanyrequests: retry-after: 250ms', 250],
    ['toomanyrequests: slow down', undefined],
  ])('asks for the pause that it names: %s', (text, after) => {
    const failure = classifyRegistryFailure(text)
    expect(failure.kind === 'passing' && failure.after).toBe(after)
  })

  test.each([
    ['pull mongo:8.0', /^pull mongo:8.0: a disk is full here: make room \(docker system prune\) and try again \(fail/],
    ['push r.lab/api', /^push r.lab\/api: a disk is full here or at r.lab: make room/],
  ])('for want of room says where: %s', (what, message) => {
    const failure = classifyRegistryFailure('failed to register layer: write /x: no space left on device')
    expect(describeRegistryFailure('r.lab', what, failure)).toMatch(message)
  })

  test('is told in one line, however much the registry said', () => {
    const failure = classifyRegistryFailure(`first line\n403 ${'x'.repeat(1000)}\n`)
    const line = describeRegistryFailure('ghcr.io', 'push ghcr.io/org/pacs/api', failure)
    expect(line).toMatch(
      /^push ghcr.io\/org\/pacs\/api: the registry ghcr.io forbids it to this login \(403\): give the token/,
    )
    expect(line).not.toContain('\n')
    expect(line.length).toBeLessThan(700)
  })
})
