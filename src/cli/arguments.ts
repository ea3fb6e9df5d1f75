import { type ParseArgsConfig, parseArgs } from 'node:util'
import { badInput, messageOf, requireOnce } from '../lib/index.ts'

/**
 * Reads the arguments of `verb`.
 * @throws Failure `bad-input` for an unknown option, one without its value or given twice, or more positionals than `positionals`.
 */
export function readArguments<T extends NonNullable<ParseArgsConfig['options']>>(
  verb: string,
  args: readonly string[],
  options: T,
  positionals = 0,
) {
  const parsed = parse(verb, args, options)
  const extra = parsed.positionals[positionals]
  if (extra !== undefined) throw badInput(`${verb}: what is "${extra}"? (pacs-deploy --help)`)
  return parsed
}

function parse<T extends NonNullable<ParseArgsConfig['options']>>(verb: string, args: readonly string[], options: T) {
  try {
    const parsed = parseArgs({ args: [...args], options, allowPositionals: true, strict: true, tokens: true })
    requireOnce(parsed.tokens, options)
    return parsed
  } catch (thrown) {
    throw badInput(`${verb}: ${messageOf(thrown)} (pacs-deploy --help)`)
  }
}
