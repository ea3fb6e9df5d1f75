import { z } from 'zod'
import type { Phase } from './author-types.ts'

export type * from './author-types.ts'

export const PHASES = ['expand', 'data', 'contract'] as const satisfies readonly Phase[]
export const phaseSchema = z.enum(PHASES)

const method = z.custom<(context: unknown) => unknown>((value) => typeof value === 'function', 'must be a function')

const common = {
  phase: phaseSchema,
  description: z.string().min(1).max(200),
  up: method,
  check: method,
  assured: z.record(z.string(), z.string().min(10, 'say in at least 10 characters why')).optional(),
  timeout: z.string().optional(),
}

/** The shape of a default export; what its functions do is the author's. */
export const definitionSchema = z.union([
  z.strictObject({ ...common, down: method }),
  z.strictObject({ ...common, irreversible: z.string().min(10, 'say in at least 10 characters why') }),
])
