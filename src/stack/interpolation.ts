/** One use of a variable in a string of a Compose file. */
export interface VariableUse {
  name: string
  /** What stands after the name: `:-` and `-` a default, `:?` and `?` a message, `:+` and `+` a replacement, '' nothing. */
  operator: '' | (typeof OPERATORS)[number]
  operand: string
}

/** What Compose would find in a string: variables in the order of their appearance, nested ones after their outer one. */
export interface Interpolation {
  uses: VariableUse[]
  /** The piece at which Compose would stop with "invalid interpolation format"; null where there is none. */
  invalid: string | null
}

const NAME = /[A-Za-z_][A-Za-z0-9_]*/y
const OPERATORS = [':-', ':?', ':+', '-', '?', '+'] as const

/** Reads a string by Compose's rules: `$V`, `${V}`, `${V:-default}` and its kin; `$$` and a `$` before anything else are dollar signs. */
export function interpolationOf(text: string): Interpolation {
  const uses: VariableUse[] = []
  let at = text.indexOf('$')
  while (at !== -1) {
    let next = at + 2
    if (text[at + 1] === '{') {
      const end = closingBrace(text, at + 2)
      const use = end === -1 ? null : bracedUse(text.slice(at + 2, end))
      if (!use) return { uses, invalid: text.slice(at, end === -1 ? undefined : end + 1) }
      uses.push(use)
      const inner = interpolationOf(use.operand)
      uses.push(...inner.uses)
      if (inner.invalid) return { uses, invalid: inner.invalid }
      next = end + 1
    } else if (text[at + 1] !== '$') {
      const name = match(NAME, text, at + 1)
      if (name) uses.push({ name, operator: '', operand: '' })
      next = at + 1 + (name?.length ?? 0)
    }
    at = text.indexOf('$', next)
  }
  return { uses, invalid: null }
}

/** Whether a string changes with the environment. */
export function hasVariable(text: string): boolean {
  return interpolationOf(text).uses.length > 0
}

/** Writes text so that Compose reads it back unchanged. */
export function escapeDollars(text: string): string {
  return text.replaceAll('$', '$$$$')
}

/** `text` where no variable is set: defaults take their places, `unset` that of a variable without one. */
export function withDefaults(text: string, unset: string): string {
  let result = ''
  let at = 0
  while (at < text.length) {
    const dollar = text.indexOf('$', at)
    if (dollar === -1) return result + text.slice(at)
    result += text.slice(at, dollar)
    if (text[dollar + 1] === '{') {
      const end = closingBrace(text, dollar + 2)
      const use = end === -1 ? null : bracedUse(text.slice(dollar + 2, end))
      if (!use) return result + text.slice(dollar)
      result += use.operator === ':-' || use.operator === '-' ? withDefaults(use.operand, unset) : unset
      at = end + 1
    } else {
      const name = match(NAME, text, dollar + 1)
      result += name ? unset : '$'
      at = dollar + 1 + (name?.length ?? 1)
    }
  }
  return result
}

function bracedUse(inside: string): VariableUse | null {
  const name = match(NAME, inside, 0)
  if (!name) return null
  if (name.length === inside.length) return { name, operator: '', operand: '' }
  const operator = OPERATORS.find((one) => inside.startsWith(one, name.length))
  if (!operator) return null
  return { name, operator, operand: inside.slice(name.length + operator.length) }
}

/** The brace that closes what began before `from`, as Compose finds it: braces count in pairs; where they do not, the last one closes. */
function closingBrace(text: string, from: number): number {
  let depth = 1
  for (let at = from; at < text.length; at += 1) {
    if (text[at] === '{') depth += 1
    if (text[at] === '}') depth -= 1
    if (depth === 0) return at
  }
  const last = text.lastIndexOf('}')
  return last >= from ? last : -1
}

function match(pattern: RegExp, text: string, at: number): string | null {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0] ?? null
}
