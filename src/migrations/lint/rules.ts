import { COLLECTION_RULES } from './collection-rules.ts'
import { LOSS_RULES } from './loss-rules.ts'
import { RERUN_RULES } from './rerun-rules.ts'
import type { Rule } from './rule.ts'

/** All that is looked for in the source of one migration. */
export const RULES: readonly Rule[] = [...LOSS_RULES, ...COLLECTION_RULES, ...RERUN_RULES]
