import { describe, expect, it } from 'vitest'
import { formatDuration, parseDuration } from '../../../src/lib/index.ts'

describe('parseDuration', () => {
  it.each([
    ['500ms', 500],
    ['60s', 60_000],
    ['1m30s', 90_000],
    ['2h', 7_200_000],
    ['0s', 0],
    ['1.5s', 1500],
  ])('reads %s as %i ms', (text, ms) => {
    expect(parseDuration('watch', text)).toBe(ms)
  })

  it.each(['', '60', 's', '60 s', '-1s', '1d', '1m 30s', '60sec', '10s\n'])(
    'refuses %j and names the value',
    (text) => {
      expect(() => parseDuration('watch', text)).toThrow(
        expect.objectContaining({ kind: 'bad-input', message: expect.stringContaining(`watch: "${text}"`) }),
      )
    },
  )
})

describe('formatDuration', () => {
  it.each([
    [0, '0.0 s'],
    [412, '0.4 s'],
    [9_999, '10.0 s'],
    [12_400, '12 s'],
    [119_400, '119 s'],
    [185_000, '3 min 5 s'],
    [7_260_000, '2 h 1 min'],
    [176_400_000, '2 d 1 h'],
  ])('writes %i ms as %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text)
  })
})
