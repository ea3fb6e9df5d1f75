/** A `::name key=value::message` line, as the runner takes it (actions/runner ActionCommand.cs). */
export interface Command {
  name: string
  properties: Record<string, string>
  message: string
}

const V2 = /^\s*::([a-zA-Z-]+)(?: ([^:]*(?::(?!:)[^:]*)*))?::(.*)$/
const V1 = /##\[([a-zA-Z-]+)(?: ([^\]]*))?\](.*)$/

/** What the runner would do with `line`; null when it only prints it. */
export function parseCommand(line: string): Command | null {
  const match = V2.exec(line) ?? V1.exec(line)
  if (!match?.[1]) return null
  const pairs = (match[2] ?? '').split(/[,;]/).filter((pair) => pair.includes('='))
  const properties = pairs.map((pair) => [
    pair.slice(0, pair.indexOf('=')),
    unescaped(pair.slice(pair.indexOf('=') + 1)),
  ])
  return { name: match[1], properties: Object.fromEntries(properties), message: unescaped(match[3] ?? '') }
}

function unescaped(text: string): string {
  const signs: Record<string, string> = { '%0D': '\r', '%0A': '\n', '%3A': ':', '%2C': ',', '%25': '%' }
  return text.replaceAll(/%(?:0D|0A|3A|2C|25)/g, (code) => signs[code] ?? code)
}

/**
 * Reads GITHUB_OUTPUT or GITHUB_STATE: `name=value` or `name<<DELIMITER` and the lines up to it.
 * @throws Error where the runner would fail the step.
 */
export function parseFileCommands(text: string): Record<string, string> {
  const values: Record<string, string> = {}
  const lines = text.split('\n')
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? ''
    if (line === '') continue
    const heredoc = /^([^=<]+)<<(.+)$/.exec(line)
    if (heredoc?.[1] && heredoc[2]) {
      const end = lines.indexOf(heredoc[2], index + 1)
      if (end < 0) throw new Error(`delimiter ${heredoc[2]} of ${heredoc[1]} is missing`)
      values[heredoc[1]] = lines.slice(index + 1, end).join('\n')
      index = end
    } else {
      const equals = line.indexOf('=')
      if (equals < 1) throw new Error(`invalid format: ${line}`)
      values[line.slice(0, equals)] = line.slice(equals + 1)
    }
  }
  return values
}
