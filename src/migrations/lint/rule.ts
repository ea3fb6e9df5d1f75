import type { Finding } from './finding.ts'
import type { Source } from './source.ts'

/** What a rule says of one place. */
export type Hit = Pick<Finding, 'line' | 'message'>

/** One thing that lint looks for, in one migration's source alone. */
export interface Rule {
  id: string
  level: Finding['level']
  fix: string
  /** Whether the migration may say, under `assured`, why it is right here. */
  assurable: boolean
  find(source: Source): Hit[]
}

/** Collections whose documents are kept for years, and prove themselves by hashes. */
export const RECORDS = ['digitalsignatures', 'auditlogs']
