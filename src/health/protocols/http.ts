import { parsedJson } from '../../lib/index.ts'
import type { Finding } from '../gate.ts'
import { type ProbeOptions, probe } from '../probe.ts'

export interface HttpQuestion extends ProbeOptions {
  url: string
  /** The status that is right; any 2xx where it is left out. */
  status?: number | undefined
  /** Values that the JSON of the answer must have, by dotted path. */
  expect?: Readonly<Record<string, string | number | boolean>> | undefined
  /** A text that the answer must hold. */
  contains?: string | undefined
  /** A response header, and the values of which one must come. */
  header?: { name: string; oneOf: readonly string[] } | undefined
}

/** Words by which services say that they are not well, in an answer whose status says that they are. */
const TROUBLE = /^(error|errors|fail|failed|failing|failure|down|unhealthy|critical|unavailable|offline)$/i

/** Asks, and believes neither a status nor a word alone: a 200 that holds an error, or not what is expected, is bad. */
export async function askHttp(question: HttpQuestion): Promise<Finding> {
  const answer = await probe(question.url, question)
  if (!answer.ok) return { ok: false, detail: answer.error }
  const { status, headers, body } = answer
  const right = question.status === undefined ? status >= 200 && status < 300 : status === question.status
  const json = body.trimStart().startsWith('{') ? parsedJson(body) : undefined
  const said = json === undefined ? null : troubleIn(json)
  if (!right) return { ok: false, detail: `status ${status}${said === null ? '' : `: ${said}`}` }
  if (said !== null) return { ok: false, detail: `status ${status}, but the answer says ${said}` }
  for (const [path, wanted] of Object.entries(question.expect ?? {})) {
    const seen = at(json, path)
    if (seen !== wanted)
      return { ok: false, detail: `status ${status}, but ${path} is ${show(seen)}, wanted ${show(wanted)}` }
  }
  if (question.contains !== undefined && !body.includes(question.contains)) {
    return { ok: false, detail: `status ${status}, but ${JSON.stringify(question.contains)} is not in the answer` }
  }
  if (question.header !== undefined) {
    const { name, oneOf } = question.header
    const seen = headers[name.toLowerCase()]
    if (typeof seen !== 'string' || !oneOf.includes(seen)) {
      return { ok: false, detail: `status ${status}, but ${name} is ${seen ?? 'absent'}, wanted ${oneOf.join(' or ')}` }
    }
  }
  return { ok: true, detail: `status ${status}` }
}

/** What an answer complains of at its top level, or of one of its parts; null when of nothing. */
function troubleIn(json: unknown): string | null {
  for (const [name, value] of entries(json)) {
    if (/^errors?$/i.test(name) && complains(value)) return `${name}: ${show(value)}`
    if (/^(ok|healthy|success|ready)$/i.test(name) && value === false) return `${name}: false`
    if (typeof value === 'string' && TROUBLE.test(value)) return `${name}: ${value}`
    for (const [part, state] of entries(value)) {
      if (typeof state === 'string' && TROUBLE.test(state)) return `${name}.${part}: ${state}`
    }
  }
  return null
}

function complains(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0
  return value !== null && value !== undefined && value !== false && value !== '' && value !== 0
}

function at(json: unknown, path: string): unknown {
  let value = json
  for (const name of path.split('.')) value = new Map(entries(value)).get(name)
  return value
}

function entries(value: unknown): [string, unknown][] {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : []
}

function show(value: unknown): string {
  return value === undefined ? 'absent' : JSON.stringify(value).slice(0, 100)
}
