import { type Redact, redactor } from '../lib/index.ts'
import { setSecret } from './commands.ts'

const masked = new Set<string>()

/** The runner masks each line of a value by itself: a line this short would blank out ordinary text. */
const SHORTEST_MASK = 4

/** Hides `secret` in everything that is printed from now on, and each of its lines. */
export function mask(secret: string): void {
  for (const line of [secret, ...secret.split(/\r?\n/)]) {
    const text = line.trim()
    // The frame of a PEM file is in every key: masking it would hide nothing and spoil messages.
    if (text.length < SHORTEST_MASK || text.startsWith('-----')) continue
    if (masked.has(text)) continue
    masked.add(text)
    // GitHub's own list has one entry per line; the whole key would only add a second copy.
    if (!text.includes('\n')) setSecret(text)
  }
}

/** Hides in `text` what was masked so far, for texts that do not pass through the runner's log. */
export const hideMasked: Redact = (text) => redactor([...masked])(text)

/** Whether GitHub would drop a job output of this value, as far as this action's own masks tell. */
export function containsMasked(text: string): boolean {
  return [...masked].some((secret) => text.includes(secret))
}
