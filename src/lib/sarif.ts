/** One thing that a tool found, at its place. */
export interface SarifResult {
  id: string
  level: 'error' | 'warning' | 'note'
  /** Path in the repository. */
  file: string
  /** Counted from 1. */
  line: number
  text: string
  /** Why a person allowed it; code scanning shows it as dismissed. */
  because?: string
}

/** A log of one or more tools. */
export interface SarifLog {
  $schema: string
  version: '2.1.0'
  runs: readonly object[]
}

/** What `tool` found as SARIF 2.1.0, for code scanning (docs.oasis-open.org/sarif/sarif/v2.1.0). */
export function sarifLog(tool: string, results: readonly SarifResult[]): SarifLog {
  const rules = [...new Set(results.map(({ id }) => id))].map((id) => ({ id }))
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: tool, rules } },
        results: results.map(({ id, level, file, line, text, because }) => ({
          ruleId: id,
          level,
          message: { text },
          locations: [{ physicalLocation: { artifactLocation: { uri: file }, region: { startLine: line } } }],
          ...(because === undefined ? {} : { suppressions: [{ kind: 'inSource', justification: because }] }),
        })),
      },
    ],
  }
}
