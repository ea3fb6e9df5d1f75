import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type ActionFile, parseActionFile } from '../../scripts/action-files.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** @param action folder of the action, like `actions/deploy`, in the repository */
export async function readAction(action: string): Promise<ActionFile> {
  const path = join(action, 'action.yml')
  return parseActionFile(path, await readFile(join(root, path), 'utf8'))
}

/**
 * `INPUT_*` as the runner sets them: what is not given has the action's default. `required` is not enforced by it.
 * @param context what an expression like `github.actor` in a default stands for; nothing when it is not here
 */
export function inputVariables(
  { inputs }: ActionFile,
  given: Readonly<Record<string, string>>,
  context: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const unknown = Object.keys(given).filter((name) => !(name in inputs))
  if (unknown.length > 0) throw new Error(`the action has no input ${unknown.join(', ')}`)
  const values = Object.entries(inputs).map(([name, input]) => {
    const value = given[name] ?? String(input.default ?? '')
    const evaluated = value.replaceAll(/\$\{\{ *([a-z.]+) *\}\}/g, (_all, key: string) => context[key] ?? '')
    return [`INPUT_${name.replaceAll(' ', '_').toUpperCase()}`, evaluated]
  })
  return Object.fromEntries(values)
}
