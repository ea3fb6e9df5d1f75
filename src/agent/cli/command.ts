import { type ParseArgsConfig, parseArgs } from 'node:util'
import { badInput, messageOf, requireOnce } from '../../lib/index.ts'
import type { AgentClient } from '../client.ts'
import type { Layout } from '../layout.ts'

/** What a verb may use of the world. */
export interface Console {
  /** Writes a line to standard output. */
  print: (line: string) => void
  /** Writes a line to standard error. */
  warn: (line: string) => void
  env: Readonly<Record<string, string | undefined>>
  paths: Layout
  agent: AgentClient
  now: () => Date
}

export interface Command {
  /** What follows `pacs-agent <verb>`. */
  usage: string
  summary: string
  /** @returns the exit code. @throws Failure, whose class is the exit code. */
  run: (args: readonly string[], console: Console) => Promise<number>
}

type Options = NonNullable<ParseArgsConfig['options']>

/**
 * Reads the arguments of a verb.
 * @throws Failure `bad-input` for an unknown option, one that is given twice, or another number of operands than `[least, most]`.
 */
export function readArgs<const T extends Options>(
  args: readonly string[],
  options: T,
  [least, most]: readonly [number, number] = [0, 0],
) {
  const config = { args: [...args], options, allowPositionals: true, strict: true, tokens: true } as const
  let parsed: ReturnType<typeof parseArgs<typeof config>>
  try {
    parsed = parseArgs(config)
  } catch (thrown) {
    throw badInput(messageOf(thrown).split('\n')[0] ?? '')
  }
  const { positionals, values, tokens } = parsed
  requireOnce(tokens, options)
  if (positionals.length < least) throw badInput(`${least - positionals.length} operand(s) missing`)
  if (positionals.length > most) throw badInput(`what is ${JSON.stringify(positionals[most])}?`)
  return { values, operands: positionals }
}
