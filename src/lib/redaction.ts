/** Replaces secrets, and the encodings in which tools print them, by `***`. */
export type Redact = (text: string) => string

/** Lines of up to this many characters are not treated as secrets: they would blank out ordinary text. */
const SHORTEST_SECRET = 4

/**
 * A function that hides `secrets` in any text: the value, each of its lines, and its base64, URI and JSON encodings.
 * Values shorter than 4 characters are left alone.
 */
export function redactor(secrets: readonly string[]): Redact {
  const forms = new Set<string>()
  for (const secret of secrets) {
    for (const part of [secret, ...secret.split(/\r?\n/)]) {
      const text = part.trim()
      if (text.length < SHORTEST_SECRET) continue
      forms.add(text)
      forms.add(encodeURIComponent(text))
      forms.add(JSON.stringify(text).slice(1, -1))
      forms.add(Buffer.from(text).toString('base64'))
      forms.add(Buffer.from(text).toString('base64url'))
      forms.add(Buffer.from(text).toString('hex'))
    }
  }
  const longestFirst = [...forms].sort((a, b) => b.length - a.length)
  return (text) => longestFirst.reduce((rest, form) => rest.replaceAll(form, '***'), text)
}
