import { badInput } from './errors.ts'

/**
 * `parseArgs` takes the last of an option that is given twice, and drops the others without a word.
 * @param tokens what `parseArgs` found, in order
 * @throws Failure `bad-input` for an option that is given twice and is not `multiple`.
 */
export function requireOnce(
  tokens: readonly { kind: string; name?: string }[],
  options: Readonly<Record<string, { multiple?: boolean | undefined }>>,
): void {
  const given = new Set<string>()
  for (const { kind, name } of tokens) {
    if (kind !== 'option' || name === undefined || options[name]?.multiple) continue
    if (given.has(name)) throw badInput(`--${name} is given twice: say it once`)
    given.add(name)
  }
}
