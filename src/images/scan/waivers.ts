import { z } from 'zod'
import { Problems, parseYaml } from '../../lib/index.ts'
import type { Finding } from './findings.ts'

const text = z.string().trim().min(1, 'is empty')
const waiverSchema = z.strictObject({
  id: text,
  reason: z.string().trim().min(10, 'must say in at least 10 characters why the finding does no harm here'),
  owner: text,
  expires: z.string().pipe(z.iso.date('must be a day (2026-12-31)')),
  image: text.optional(),
  package: text.optional(),
  path: text.optional(),
})

/** One finding that somebody takes responsibility for, up to and with a day. */
export type Waiver = z.infer<typeof waiverSchema> & {
  /** `scan-waivers.yml:3`, for messages. */
  at: string
}

const LONGEST_DAYS = 90
const DAY = 86_400_000

/**
 * Reads the waivers file: a list with id, reason, owner and expires, and optionally image (the service), package and path.
 * @param now milliseconds of the epoch
 * @throws Failure `bad-input` with every mistake, each with file and line; a waiver that has expired is one
 */
export function parseWaivers(file: string, source: string, now: number): Waiver[] {
  const { document, value: list, lineAt } = parseYaml(file, source)
  const problems = new Problems()
  const parsed = z.array(z.unknown()).safeParse(list ?? [])
  if (!parsed.success) problems.add(`${file}:1: the file is no list of waivers (- id: … reason: … owner: … expires: …)`)
  const waivers: Waiver[] = []
  for (const [index, value] of (parsed.data ?? []).entries()) {
    const at = `${file}:${lineOf([index])}`
    const waiver = waiverSchema.safeParse(value)
    if (!waiver.success) for (const issue of waiver.error.issues) complain(index, issue)
    else if (checkExpiry(waiver.data.expires, `${file}:${lineOf([index, 'expires'])}`)) {
      waivers.push({ ...waiver.data, at })
    }
  }
  problems.throwIfAny()
  return waivers

  function complain(index: number, issue: z.core.$ZodIssue): void {
    const keys = issue.code === 'unrecognized_keys' ? issue.keys : []
    for (const key of keys) {
      const known = Object.keys(waiverSchema.shape).join(', ')
      problems.add(`${file}:${lineOf([index, key])}: ${key} is not known; known are ${known}`)
    }
    if (keys.length > 0) return
    const missing = issue.code === 'invalid_type' && issue.message.endsWith('received undefined')
    const name = issue.path.join('.') || 'the waiver'
    const said = missing ? 'is missing' : issue.code === 'invalid_type' ? `is no ${issue.expected}` : issue.message
    problems.add(`${file}:${lineOf([index, ...issue.path])}: ${name} ${said}`)
  }

  function checkExpiry(day: string, at: string): boolean {
    // Up to the end of that day, in UTC: the day that a person wrote still counts.
    const left = Date.parse(day) + DAY - now
    if (left <= 0) problems.add(`${at}: expired on ${day}: mend the finding, or judge it anew and write a later day`)
    else if (left > (LONGEST_DAYS + 1) * DAY) {
      problems.add(`${at}: ${day} is more than ${LONGEST_DAYS} days ahead: write an earlier day and judge it anew then`)
    } else return true
    return false
  }

  /** The line of the value at `path`, or of the nearest one around what is missing. */
  function lineOf(path: readonly PropertyKey[]): number {
    for (let length = path.length; length > 0; length--) {
      const node = document.getIn(path.slice(0, length), true)
      const range = z.object({ range: z.array(z.number()) }).safeParse(node)
      if (range.success) return lineAt(range.data.range[0] ?? 0)
    }
    return 1
  }
}

/** Whether `waiver` is for `finding` in the image that these services run. What it leaves out, it does not ask for. */
export function covers(waiver: Waiver, services: readonly string[], finding: Finding): boolean {
  return (
    waiver.id === finding.id &&
    (waiver.image === undefined || services.includes(waiver.image)) &&
    (waiver.package ?? finding.package) === finding.package &&
    (waiver.path ?? finding.path) === finding.path
  )
}
