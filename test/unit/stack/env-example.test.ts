// .env.example explains every variable and secret of the shipped stack, and of what may be laid over it, and nothing that is not there.
import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { PUBLIC_HOST } from '../../../src/agent/server/check-config.ts'
import { judgeEnv } from '../../../src/agent/server/judge-env.ts'
import { BACKUP_VARIABLES } from '../../../src/agent/server/plan-data.ts'
import { Problems } from '../../../src/lib/index.ts'
import { interpolationOf } from '../../../src/stack/interpolation.ts'
import { parseCompose } from './parse-compose.ts'

const directory = join(import.meta.dirname, '../../../deployment/production')
const text = await readFile(join(directory, '.env.example'), 'utf8')
const composeSchema = z
  .object({
    // Null: taken out of the file that it is laid over.
    services: z.record(z.string(), z.record(z.string(), z.unknown()).nullable()),
    secrets: z.record(z.string(), z.object({ file: z.string() }).nullable()).default({}),
  })
  .loose()
const files = (await readdir(directory)).filter((name) => /^docker-compose\..*yml$/.test(name))
const texts = await Promise.all(files.map((name) => readFile(join(directory, name), 'utf8')))
const stack = texts.map((content) => composeSchema.parse(parseCompose(content)))

interface Variable {
  name: string
  default: string | null
  services: Set<string>
}

/** What the compose files read, as it stands there. */
const variables = new Map<string, Variable>()
for (const { services, ...rest } of stack) {
  for (const [service, definition] of Object.entries(services)) collect({ ...definition, 'x-pacs': null }, service)
  collect(rest, null)
}

function collect(value: unknown, service: string | null): void {
  if (typeof value === 'object' && value !== null) for (const one of Object.values(value)) collect(one, service)
  if (typeof value !== 'string') return
  for (const { name, operator, operand } of interpolationOf(value).uses) {
    const found = variables.get(name) ?? { name, default: operator.endsWith('-') ? operand : null, services: new Set() }
    variables.set(name, found)
    if (service !== null) found.services.add(service)
  }
}

/** The agent's own, which no compose file uses. */
const OWN = [PUBLIC_HOST, ...BACKUP_VARIABLES]

interface Paragraph {
  /** Who reads it, as the heading above says. */
  readers: string
  comment: string
  /** Name → example, and whether it must be replaced (no comment). */
  examples: Map<string, { value: string; toReplace: boolean }>
}

/** Paragraphs of comment with the assignments below, under headings `# --- read by … ---`. */
function paragraphs(): Paragraph[] {
  let readers = ''
  return text.split(/\n\n+/).flatMap((block) => {
    const lines = block.split('\n')
    const heading = lines.find((line) => line.startsWith('# ---'))
    if (heading !== undefined) readers = heading.replace(/^# -+ | -+$/g, '')
    const examples = new Map<string, { value: string; toReplace: boolean }>()
    for (const line of lines) {
      const [, hash, name, value] = /^(#?)([A-Z][A-Z0-9_]*)='([^']+)'$/.exec(line) ?? []
      if (name !== undefined && value !== undefined) examples.set(name, { value, toReplace: hash === '' })
    }
    const comment = lines
      .filter((line) => /^# (?!---)/.test(line))
      .map((line) => line.slice(2))
      .join(' ')
    return examples.size === 0 ? [] : [{ readers, comment, examples }]
  })
}

const explained = paragraphs()
const names = explained.flatMap(({ examples }) => [...examples.keys()])

describe('.env.example', () => {
  it('has an example of every variable of the compose files, each once, and of no other', () => {
    expect(files).toContain('docker-compose.small.yml')
    expect(variables.size).toBeGreaterThan(5)
    expect(names.toSorted()).toEqual([...OWN, ...variables.keys()].toSorted())
  })

  it.each([...variables])('says of %s what it means, who reads it, and its default', (name, variable) => {
    const own = explained.find(({ examples }) => examples.has(name))
    expect(own?.comment).toMatch(
      new RegExp(`^(?:[A-Z0-9_]+(?:,| and) )*${name}(?:(?:,| and) [A-Z0-9_]+)*: \\S+ \\S+ \\S+`),
    )
    const stated = /Defaults?: (.*?)\.?$/.exec(own?.comment ?? '')?.[1] ?? ''
    if (variable.default === null) {
      expect(stated).toBe('none')
      expect(own?.examples.get(name)?.toReplace).toBe(true)
    } else {
      const defaults = stated.split(/, | and /)
      expect(defaults.length === 1 ? defaults[0] : defaults[[...(own?.examples.keys() ?? [])].indexOf(name)]).toBe(
        variable.default,
      )
      expect(own?.examples.get(name)?.toReplace).toBe(false)
    }
    if (own?.readers.startsWith('read by'))
      for (const service of variable.services) expect(own.readers).toContain(service)
  })

  it('quotes as it asks for', () => {
    const problems = new Problems()
    judgeEnv(text.replaceAll(/^#(?=[A-Z])/gm, '').replaceAll('example.org', 'clinic.test'), {
      example: null,
      known: names,
      problems,
    })
    expect(problems.found).toEqual([])
  })

  it('explains every secret of the stack, and none that nothing reads', async () => {
    const secrets = new Set(
      stack.flatMap(({ secrets: own }) => Object.values(own).flatMap((one) => (one ? [basename(one.file)] : []))),
    )
    expect(secrets.size).toBeGreaterThan(8)
    const mentioned = expandBraces(text)
    for (const name of secrets) expect(mentioned).toContain(name)
    const made = [await readFile(join(directory, 'scripts/make-secrets.sh'), 'utf8'), ...texts].join('\n')
    for (const name of listed())
      expect(secrets.has(name) || made.includes(name), `${name} is read by something`).toBe(true)
  })
})

/** The names at the head of the lines of the list of secrets. */
function listed(): string[] {
  const lines = text.split('\n').flatMap((line) => /^# {3}((?:[a-z0-9.{},-]+(?:, )?)+) {2,}/.exec(line)?.[1] ?? [])
  return lines.flatMap((names) => expandBraces(names).split(/, /))
}

/** `a-{b,c}` → `a-b, a-c` */
function expandBraces(given: string): string {
  return given.replaceAll(/([a-z-]*)\{([a-z,]+)\}([a-z-]*)/g, (_, before, middle, after) =>
    String(middle)
      .split(',')
      .map((one) => `${before}${one}${after}`)
      .join(', '),
  )
}
