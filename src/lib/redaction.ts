/** Replaces secrets, and the encodings in which tools print them, by `***`. */
export type Redact = (text: string) => string

/** Lines of up to this many characters are not treated as secrets: they would blank out ordinary text. */
const SHORTEST_SECRET = 4

/**
 * A function that hides `secrets` in any text: the value, each of its lines, and its hex, URI and JSON encodings, and base64
 * of itself or of a longer text that holds it (`user:password`).
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
      for (const form of base64Forms(text)) forms.add(form)
      forms.add(Buffer.from(text).toString('hex'))
    }
  }
  const longestFirst = [...forms].sort((a, b) => b.length - a.length)
  return (text) => longestFirst.reduce((rest, form) => rest.replaceAll(form, '***'), text)
}

/** Base64 of `text`, and the digits that it has wherever it stands in a longer text: they depend on its offset modulo 3. */
function base64Forms(text: string): string[] {
  const bytes = Buffer.from(text)
  const within = [0, 1, 2].map((offset) => {
    const digits = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64')
    return digits.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + bytes.length) * 8) / 6))
  })
  const forms = [bytes.toString('base64'), ...within.filter((digits) => digits.length >= SHORTEST_SECRET)]
  return forms.flatMap((form) => [form, form.replaceAll('+', '-').replaceAll('/', '_')])
}
