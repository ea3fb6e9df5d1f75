import type { z } from 'zod'
import { badInput, Failure, Problems, parseDuration } from '../lib/index.ts'
import { getInput } from './commands.ts'
import { mask } from './masks.ts'

/**
 * Makes a value of an input's text, which is empty when the input is absent.
 * @throws Failure `bad-input` that names the input, what came, and what is allowed.
 */
export interface Reader<T> {
  (name: string, text: string): T
  /** The text is masked before anything else is read, and never shown. */
  secret?: true
}

type Values<R extends Record<string, Reader<unknown>>> = { [K in keyof R]: ReturnType<R[K]> }

/**
 * Reads the inputs of an action together; secrets are masked before anything can be printed.
 * @param amiss says what is wrong with the values together; it gets those that can be read.
 * @throws Failure `bad-input` with every mistake, one per line.
 */
export function readInputs<R extends Record<string, Reader<unknown>>>(
  readers: R,
  amiss: (values: Partial<Values<R>>) => readonly string[] = () => [],
): Values<R> {
  const entries = Object.entries(readers).map(([name, read]) => ({ name, read, text: getInput(name) }))
  for (const { read, text } of entries) if (read.secret) mask(text)
  const problems = new Problems()
  const values: Record<string, unknown> = {}
  const judge = (read: () => unknown) => {
    try {
      return read()
    } catch (thrown) {
      if (!(thrown instanceof Failure)) throw thrown
      problems.add(thrown.message)
    }
  }
  for (const { name, read, text } of entries) values[name] = judge(() => read(`input ${name}`, text))
  for (const problem of amiss(values as Partial<Values<R>>)) problems.add(problem)
  // What may wait is said with the rest where it would not come to its turn.
  const waiting = problems.found.length > 0 ? Object.values(values) : []
  for (const value of waiting) if (typeof value === 'function') judge(() => value())
  problems.throwIfAny()
  return values as Values<R>
}

/** Any text, also none. */
export const text: Reader<string> = (_name, value) => value

/** A text that must be there. */
export const required: Reader<string> = (name, value) => {
  if (value === '') throw badInput(`${name} is missing: set it under \`with:\``)
  return value
}

/** Reads a secret: `read` must not show the value in what it throws. */
export function secret<T>(read: Reader<T>): Reader<T> {
  return Object.assign((name: string, value: string) => read(name, value), { secret: true as const })
}

/** Reads nothing when the input is absent. */
export function optional<T>(read: Reader<T>): Reader<T | undefined> {
  return (name, value) => (value === '' ? undefined : read(name, value))
}

/** Reads a value whose mistake is thrown by who asks for it: what nobody watches has to begin before it can tell of one. */
export function later<T>(read: Reader<T>): Reader<() => T> {
  return (name, value) => () => read(name, value)
}

/** `true` or `false`, as YAML's core schema writes them. */
export const flag: Reader<boolean> = (name, value) => {
  if (/^(true|True|TRUE)$/.test(value)) return true
  if (/^(false|False|FALSE)$/.test(value)) return false
  throw badInput(`${name}: ${shown(value)} is neither true nor false`)
}

/** Milliseconds of a duration such as `60s`, up to `longest` milliseconds. */
export function duration(longest: number): Reader<number> {
  return (name, value) => {
    const milliseconds = parseDuration(name, value)
    if (milliseconds > longest) throw badInput(`${name}: ${shown(value)} is longer than ${longest / 1000}s`)
    return milliseconds
  }
}

/** A whole number from `least` to `most`. */
export function wholeNumber(least: number, most: number): Reader<number> {
  return (name, value) => {
    const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN
    if (number >= least && number <= most) return number
    throw badInput(`${name}: ${shown(value)} is no whole number from ${least} to ${most}`)
  }
}

/** One of a few words. */
export function oneOf<const T extends string>(...allowed: readonly T[]): Reader<T> {
  return (name, value) => {
    const found = allowed.find((word) => word === value)
    if (found === undefined) throw badInput(`${name}: ${shown(value)} is not allowed; write ${allowed.join(' or ')}`)
    return found
  }
}

/** What a zod schema takes; its messages read on from the value, like "is no release id". */
export function matching<T>(schema: z.ZodType<T>): Reader<T> {
  return (name, value) => {
    const parsed = schema.safeParse(value)
    if (parsed.success) return parsed.data
    throw badInput(`${name}: ${shown(value)} ${parsed.error.issues.map((issue) => issue.message).join('; ')}`)
  }
}

/** A path inside the workspace or an absolute one, without what could be taken for an option or for two lines. */
export const path: Reader<string> = (name, value) => {
  required(name, value)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused here
  if (/^-|[\u0000-\u001f\u007f]/.test(value)) {
    throw badInput(`${name}: ${shown(value)} is no path; it must not begin with - or hold control characters`)
  }
  return value
}

/** `value` for a message: quoted, control characters escaped, cut at 120 characters. */
function shown(value: string): string {
  return JSON.stringify(value.length > 120 ? `${value.slice(0, 120)}…` : value)
}
