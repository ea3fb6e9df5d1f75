import { describe, expect, it } from 'vitest'
import { exitClass, Failure, messageOf, Problems } from '../../../src/lib/index.ts'

describe('Problems', () => {
  it('says all that is wrong at once, one per line', () => {
    const problems = new Problems()
    problems.add('host: empty')
    problems.add('port: 70000 is above 65535')
    expect(() => problems.throwIfAny()).toThrow(
      expect.objectContaining({ kind: 'bad-input', message: 'host: empty\nport: 70000 is above 65535' }),
    )
  })

  it('lets a flawless input pass', () => {
    expect(() => new Problems().throwIfAny()).not.toThrow()
  })
})

describe('Failure', () => {
  it('carries the exit class of its kind', () => {
    expect(new Failure('locked', 'deploy 1 runs').exitClass).toBe(30)
  })

  it('gives every kind a class of its own, and none the class of success', () => {
    const classes = Object.values(exitClass)
    expect(new Set(classes).size).toBe(classes.length)
    expect(classes.filter((value) => value === 0)).toHaveLength(1)
  })
})

describe('messageOf', () => {
  it('reads errors and whatever else was thrown', () => {
    expect(messageOf(new Error('no route'))).toBe('no route')
    expect(messageOf('plain text')).toBe('plain text')
  })
})
