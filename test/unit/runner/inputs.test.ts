import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Failure } from '../../../src/lib/index.ts'
import { parsePinned } from '../../../src/release/index.ts'
import {
  duration,
  flag,
  hideMasked,
  later,
  oneOf,
  optional,
  path,
  readInputs,
  required,
  secret,
  wholeNumber,
} from '../../../src/runner/index.ts'

const given: string[] = []

function give(inputs: Record<string, string>): void {
  for (const [name, value] of Object.entries(inputs)) {
    process.env[`INPUT_${name.toUpperCase()}`] = value
    given.push(name)
  }
}

function refusal(read: () => unknown): Failure {
  try {
    read()
  } catch (thrown) {
    if (thrown instanceof Failure) return thrown
    throw thrown
  }
  throw new Error('nothing was refused')
}

let printed = ''

beforeEach(() => {
  printed = ''
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += String(text)
    return true
  })
})

afterEach(() => {
  vi.restoreAllMocks()
  for (const name of given.splice(0)) delete process.env[`INPUT_${name.toUpperCase()}`]
})

describe('readInputs', () => {
  it('gives each input the type of its reader', () => {
    give({ watch: '1m30s', 'allow-core': 'True', consecutive: '3', config: 'current' })
    const inputs = readInputs({
      watch: duration(3_600_000),
      'allow-core': flag,
      consecutive: wholeNumber(1, 10),
      config: oneOf('its-own', 'current'),
      'ca-file': optional(path),
    })
    expect(inputs).toEqual({
      watch: 90_000,
      'allow-core': true,
      consecutive: 3,
      config: 'current',
      'ca-file': undefined,
    })
  })

  it('says everything that is wrong at once, with name, value and what is allowed', () => {
    give({ release: 'pacs:latest', watch: 'soon', 'allow-core': 'yes', consecutive: '0', config: 'mine', file: '-x' })
    const { kind, message } = refusal(() =>
      readInputs({
        environment: required,
        release: parsePinned,
        watch: duration(3_600_000),
        'allow-core': flag,
        consecutive: wholeNumber(1, 10),
        config: oneOf('its-own', 'current'),
        file: path,
      }),
    )
    expect(kind).toBe('bad-input')
    expect(message.split('\n')).toEqual([
      'input environment is missing: set it under `with:`',
      expect.stringMatching(/^input release: "pacs:latest" is no image by digest; write registry/),
      expect.stringMatching(/^input watch: "soon" is no duration; write for example/),
      'input allow-core: "yes" is neither true nor false',
      'input consecutive: "0" is no whole number from 1 to 10',
      'input config: "mine" is not allowed; write its-own or current',
      'input file: "-x" is no path; it must not begin with - or hold control characters',
    ])
  })

  it('names the usual cause of an empty release', () => {
    give({ release: '' })
    expect(refusal(() => readInputs({ release: parsePinned })).message).toMatch(
      /^input release is empty: GitHub drops a job output that contains a masked string/,
    )
  })

  it('refuses a path with a line break or a NUL, and shows it escaped', () => {
    for (const value of ['a\nb', 'a\u0000b']) {
      expect(refusal(() => path('input file', value)).message).toContain(JSON.stringify(value))
    }
  })

  it('refuses a duration above the limit', () => {
    give({ watch: '2h' })
    expect(refusal(() => readInputs({ watch: duration(3_600_000) })).message).toBe(
      'input watch: "2h" is longer than 3600s',
    )
  })

  it('leaves what may wait to who asks for it, and says it with the rest where there is a rest', () => {
    give({ environment: '', 'ssh-key': '' })
    const { 'ssh-key': key } = readInputs({ 'ssh-key': later(required) })
    expect(refusal(key).message).toBe('input ssh-key is missing: set it under `with:`')
    expect(refusal(() => readInputs({ 'ssh-key': later(required), environment: required })).message).toBe(
      'input environment is missing: set it under `with:`\ninput ssh-key is missing: set it under `with:`',
    )
  })

  it('masks a secret before another input is refused, and never shows it', () => {
    give({ environment: '', 'ssh-key': 'sentinel-7f3a91' })
    const failure = refusal(() =>
      readInputs({
        environment: required,
        'ssh-key': secret((name) => {
          throw new Failure('bad-input', `${name} is no key`)
        }),
      }),
    )
    expect(printed).toContain('::add-mask::sentinel-7f3a91')
    expect(failure.message).not.toContain('sentinel')
    expect(hideMasked('it is sentinel-7f3a91')).toBe('it is ***')
  })
})
