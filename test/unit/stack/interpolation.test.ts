// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${…} is Compose's here
import { describe, expect, test } from 'vitest'
import { escapeDollars, interpolationOf, withDefaults } from '../../../src/stack/interpolation.ts'

describe('a string of a Compose file', () => {
  // What Compose 2.26.1 does with each of these was seen on its own `config`.
  test.each([
    ['no variable', []],
    ['$V', [['V', '', '']]],
    ['${V}', [['V', '', '']]],
    ['a-${V:-d}-b', [['V', ':-', 'd']]],
    ['${V-d}', [['V', '-', 'd']]],
    ['${V:?say so}', [['V', ':?', 'say so']]],
    ['${V?say so}', [['V', '?', 'say so']]],
    ['${V:+yes}', [['V', ':+', 'yes']]],
    ['${V+yes}', [['V', '+', 'yes']]],
    ['${V:-}', [['V', ':-', '']]],
    ['$V-x', [['V', '', '']]],
    [
      '${A}${B}',
      [
        ['A', '', ''],
        ['B', '', ''],
      ],
    ],
    [
      '${V:-a${W:-q}c}',
      [
        ['V', ':-', 'a${W:-q}c'],
        ['W', ':-', 'q'],
      ],
    ],
    ['${V:-a{b}c}d}', [['V', ':-', 'a{b}c']]],
    ['${V:-a{b}', [['V', ':-', 'a{b']]],
    [`\${V:?like '{"ct1":["CT1",104]}'}`, [['V', ':?', `like '{"ct1":["CT1",104]}'`]]],
    ['$$V', []],
    ['$$$V', [['V', '', '']]],
    ['$1 costs $', []],
    ['PathRegexp(`^/a$`)', []],
  ])('%s', (text, uses) => {
    const found = interpolationOf(text)
    expect(found.uses.map(({ name, operator, operand }) => [name, operator, operand])).toEqual(uses)
    expect(found.invalid).toBeNull()
  })

  test.each(['${', '${}', 'a ${V', '${V!x}', '${1A}', '${V:x}', '${v.b}', '${A:-${}}'])(
    'Compose refuses %s',
    (text) => {
      expect(interpolationOf(text).invalid).toMatch(/^\$\{/)
    },
  )

  test.each([
    ['traefik:${V:-latest}', 'traefik:latest'],
    ['${A-x${B:-y}}/z:$V', 'xy/z:unset'],
    ['${V:?needed} $$', 'unset $'],
    ['plain', 'plain'],
  ])('%s without any variable set is %s', (text, expected) => {
    expect(withDefaults(text, 'unset')).toBe(expected)
  })

  test('is read back by Compose as it was written, once escaped', () => {
    expect(escapeDollars('/opt/a$b/${c}')).toBe('/opt/a$$b/$${c}')
    expect(withDefaults(escapeDollars('/opt/a$b/${c}'), 'unset')).toBe('/opt/a$b/${c}')
  })
})
