import { parseEnv } from 'node:util'

/** The variables that a `.env` gives, to agent, health check and whoever judges the file alike. */
export function parseEnvFile(text: string): Record<string, string> {
  // Node takes a mark of the byte order for a part of the first name, and after `NAME= ` the next line for the value.
  const read = parseEnv(text.replace(/^\uFEFF/, '').replaceAll(/(?<==)[ \t]+$/gm, ''))
  return Object.fromEntries(Object.entries(read).map(([name, value]) => [name, value ?? '']))
}
