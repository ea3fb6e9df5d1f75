import { z } from 'zod'
import { badInput, Problems, parseYaml } from '../lib/index.ts'
import { type Target, targetSchema } from './target.ts'

export const environmentNameSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/, 'is no environment name (letters, digits, - and _)')

const publicUrlSchema = z
  .string()
  .refine(
    (text) => URL.canParse(text) && /^https:$/.test(new URL(text).protocol) && !new URL(text).username,
    'is no public URL (https://host, without user and password)',
  )

const environmentSchema = targetSchema.extend({ 'public-url': publicUrlSchema })
const environmentsSchema = z.record(environmentNameSchema, environmentSchema)

/** One server that a release is brought to. */
export interface Environment {
  name: string
  target: Target
  publicUrl: string
}

/**
 * Reads the environments file.
 * @throws Failure `bad-input` with every mistake, each with file and line.
 */
export function parseEnvironments(file: string, text: string): Environment[] {
  const { document, value, lineAt } = parseYaml(file, text)
  const problems = new Problems()
  const parsed = environmentsSchema.safeParse(value)
  if (!parsed.success) {
    for (const issue of parsed.error.issues) {
      const unknown = issue.code === 'unrecognized_keys' ? issue.keys : []
      for (const path of unknown.length > 0 ? unknown.map((key) => [...issue.path, key]) : [issue.path]) {
        const message = unknown.length > 0 ? `is not known; known are ${known(path)}` : messageOf(issue)
        problems.add(`${file}:${lineOf(path)}: ${path.join('.') || 'the file'} ${message}`)
      }
    }
    problems.throwIfAny()
    throw badInput(`${file} is no environments file`)
  }
  if (Object.keys(parsed.data).length === 0) throw badInput(`${file} names no environment`)
  return Object.entries(parsed.data).map(([name, { 'public-url': publicUrl, ...target }]) => ({
    name,
    target,
    publicUrl,
  }))

  /** The line of the value at `path`, or of the nearest mapping around what is missing. */
  function lineOf(path: readonly PropertyKey[]): number {
    for (let length = path.length; length > 0; length--) {
      const node = document.getIn(path.slice(0, length), true)
      const range = z.object({ range: z.array(z.number()) }).safeParse(node)
      if (range.success) return lineAt(range.data.range[0] ?? 0)
    }
    return 1
  }
}

/**
 * The environment called `name`.
 * @throws Failure `bad-input` that names the known ones.
 */
export function findEnvironment(file: string, environments: readonly Environment[], name: string): Environment {
  const found = environments.find((environment) => environment.name === name)
  if (found) return found
  throw badInput(`${file} has no environment "${name}"; it has ${environments.map((each) => each.name).join(', ')}`)
}

function messageOf(issue: z.core.$ZodIssue): string {
  // zod leaves the value out of its issues, since it could be a secret: only the message tells what came.
  if (issue.code === 'invalid_type') {
    return issue.message.endsWith('received undefined') ? 'is missing' : `is no ${issue.expected}`
  }
  if (issue.code === 'invalid_key') return issue.issues[0]?.message ?? 'is no name'
  return issue.message
}

function known(path: readonly PropertyKey[]): string {
  const keys = Object.keys(environmentSchema.shape)
  return (path.at(-2) === 'jump' ? keys.filter((key) => key !== 'jump' && key !== 'public-url') : keys).join(', ')
}
