import type { z } from 'zod'

/** The longest line that is read from another side: 1 Mi characters. */
const MAX_LINE = 1024 * 1024

/**
 * Reads a stream of JSON lines and yields each value as `schema` sees it.
 * @throws Error at the first line that is longer than 1 Mi characters, no JSON, or not of the schema; a last line without its newline is torn and left out.
 */
export async function* readJsonLines<T>(
  chunks: AsyncIterable<Uint8Array | string>,
  schema: z.ZodType<T>,
): AsyncGenerator<T> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of chunks) {
    rest += typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true })
    let end = rest.indexOf('\n')
    while (end >= 0) {
      const line = rest.slice(0, end)
      rest = rest.slice(end + 1)
      refuseLong(line)
      if (line.trim() !== '') yield schema.parse(JSON.parse(line))
      end = rest.indexOf('\n')
    }
    refuseLong(rest)
  }
}

/** The value of a JSON text; undefined when it is none. */
export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function refuseLong(line: string): void {
  if (line.length > MAX_LINE) throw new Error(`a JSON line is longer than ${MAX_LINE} characters`)
}
