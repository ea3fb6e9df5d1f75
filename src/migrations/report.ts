import { sarifLog } from '../lib/index.ts'
import type { Drift } from './drift.ts'
import type { Finding } from './lint/finding.ts'
import type { Plan } from './plan.ts'

const SIGNS = { note: '', warning: '⚠ ', error: '✖ ' }

/** A plan as Markdown for a job summary: one row for each step, what it does, and what is to be looked at first. */
export function planMarkdown({ phase, steps, waiting }: Plan): string {
  const head = steps.length === 0 ? `Nothing to do in phase **${phase}**.` : headOf(phase, steps)
  const rows = steps.map(({ id, description, again, irreversible, impacts }) => {
    const what = impacts.map(({ level, collection, text }) => {
      const name = collection === '' || text.startsWith(collection) ? '' : `\`${collection}\` `
      return `${SIGNS[level]}${name}${text}`
    })
    const undo = irreversible === null ? 'yes' : `no: ${irreversible}`
    return `| ${[`\`${id}\`${again ? ' (continues)' : ''}`, description, what.join('<br>'), undo].map(cell).join(' | ')} |`
  })
  const table =
    steps.length === 0
      ? []
      : ['', '| migration | what | does here | can be undone |', '| --- | --- | --- | --- |', ...rows]
  return [head, ...table, ...waiting.map((line) => `\nWaits: ${line}`)].join('\n')
}

function headOf(phase: string, steps: Plan['steps']): string {
  const impacts = steps.flatMap((step) => step.impacts)
  const errors = impacts.filter(({ level }) => level === 'error').length
  const warnings = impacts.filter(({ level }) => level === 'warning').length
  const verdict =
    errors > 0
      ? `**would be refused** (${errors})`
      : warnings > 0
        ? `**look at ${warnings}**`
        : 'nothing to worry about'
  return `**${steps.length}** to apply in phase **${phase}**: ${verdict}.`
}

/** Text in a cell of a table. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}

/** Findings, impacts and drift for code scanning. `folder` is the migrations' path in the repository. */
export function sarif(
  folder: string,
  {
    findings = [],
    plan = null,
    drift = [],
  }: { findings?: readonly Finding[]; plan?: Plan | null; drift?: readonly Drift[] },
): object {
  const at = (file: string) => `${folder}/${file}`
  return sarifLog('pacs-deploy migrations', [
    ...findings.map(({ id, level, file, line, message, fix }) => {
      return { id, level, file: at(file), line, text: `${message}; ${fix}` }
    }),
    ...(plan?.steps ?? []).flatMap(({ id, impacts }) =>
      impacts.map(({ level, collection, text }) => {
        return { id: `plan/${level}`, level, file: at(`${id}.js`), line: 1, text: `${collection} ${text}`.trim() }
      }),
    ),
    ...drift.map(({ migration, text }) => {
      return { id: 'drift', level: 'warning' as const, file: at(`${migration}.js`), line: 1, text }
    }),
  ])
}
