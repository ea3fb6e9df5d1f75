import { describe, expect, it } from 'vitest'
import { redactor } from '../../../src/lib/index.ts'

const SECRET = 'pa"ss wörd/+=1'

describe('redactor', () => {
  it.each([
    ['as it is', SECRET],
    ['in base64', Buffer.from(SECRET).toString('base64')],
    ['in base64url', Buffer.from(SECRET).toString('base64url')],
    ['in hex', Buffer.from(SECRET).toString('hex')],
    ['in a URL', encodeURIComponent(SECRET)],
    ['inside a JSON string', JSON.stringify(SECRET).slice(1, -1)],
  ])('hides a secret %s', (_form, text) => {
    expect(redactor([SECRET])(`before ${text} after`)).toBe('before *** after')
  })

  it('hides each line of a secret of several lines, as a log prints them one by one', () => {
    const key = '-----BEGIN KEY-----\nc2VjcmV0IGxpbmU=\n-----END KEY-----\n'
    expect(redactor([key])('got c2VjcmV0IGxpbmU= from the agent')).toBe('got *** from the agent')
  })

  it('hides every occurrence, and the longer of two secrets that begin alike', () => {
    const redact = redactor(['token', 'token-of-production'])
    expect(redact('token-of-production, token, token-of-production')).toBe('***, ***, ***')
  })

  it('takes signs of regular expressions and of replacements literally', () => {
    expect(redactor(['a.*$&(b'])('a.*$&(b aXXb')).toBe('*** aXXb')
  })

  it('leaves values below 4 characters alone: they would blank out ordinary text', () => {
    expect(redactor(['abc', '', '  x '])('abc x')).toBe('abc x')
  })

  it.each([0, 1, 2, 3, 4])('hides a secret in base64 of a text in which it begins at byte %i', (offset) => {
    const text = Buffer.from(`${'user:'.slice(0, offset)}${SECRET}@`).toString('base64')
    const redacted = redactor([SECRET])(text)
    expect(redacted).toContain('***')
    expect(Buffer.from(redacted, 'base64').toString()).not.toContain(SECRET.slice(2, -2))
  })
})
