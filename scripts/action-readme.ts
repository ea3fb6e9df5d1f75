import { badInput } from '../src/lib/index.ts'
import type { ActionFile } from './action-files.ts'

/**
 * `readme` with the tables between `<!-- inputs -->` and `<!-- /inputs -->`, and the same of outputs, made from `file`.
 * @throws Failure `bad-input` that names `path` and the marker that is missing.
 */
export function fillTables(path: string, readme: string, file: ActionFile): string {
  const withInputs = fill(path, readme, 'inputs', inputTable(file))
  return fill(path, withInputs, 'outputs', outputTable(file))
}

function fill(path: string, text: string, name: string, table: string): string {
  const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`]
  const from = text.indexOf(begin)
  const to = text.indexOf(end)
  if (from < 0 || to < from)
    throw badInput(`${path}: the markers ${begin} and ${end} are missing; the table goes between`)
  return `${text.slice(0, from + begin.length)}\n${table}\n${text.slice(to)}`
}

function inputTable({ inputs }: ActionFile): string {
  const rows = Object.entries(inputs).map(([name, input]) => [
    code(name),
    input.required ? 'yes' : '',
    input.default === undefined || input.default === '' ? '' : code(String(input.default)),
    cell(input.description),
  ])
  return rows.length === 0 ? 'None.' : table(['Input', 'Required', 'Default', 'What'], rows)
}

function outputTable({ outputs }: ActionFile): string {
  const rows = Object.entries(outputs).map(([name, output]) => [code(name), cell(output.description)])
  return rows.length === 0 ? 'None.' : table(['Output', 'What'], rows)
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows]
  return lines.map((cells) => `| ${cells.join(' | ')} |`.replaceAll('  ', ' ')).join('\n')
}

function code(text: string): string {
  return `\`${cell(text)}\``
}

/** One line without a bare `|`, since a cell ends at either. */
function cell(text: string): string {
  return text.trim().replaceAll(/\s+/g, ' ').replaceAll('|', '\\|')
}
