import { badInput } from './errors.ts'

const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const

/**
 * Milliseconds of a duration as people and Compose write it: `500ms`, `60s`, `1m30s`, `2h`.
 * @throws Failure `bad-input` that names `name`.
 */
export function parseDuration(name: string, text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)]
  if (text === '' || parts.map((part) => part[0]).join('') !== text) {
    throw badInput(`${name}: "${text}" is no duration; write for example 500ms, 60s, 1m30s or 2h`)
  }
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * UNITS[unit as keyof typeof UNITS], 0)
}

/** A duration of `ms` milliseconds for people: `0.4 s`, `12 s`, `3 min 5 s`, `26 h 0 min`, `2 d 1 h`. */
export function formatDuration(ms: number): string {
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`
  const seconds = Math.round(ms / 1000)
  if (seconds < 120) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 120) return `${minutes} min ${seconds % 60} s`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`
}
