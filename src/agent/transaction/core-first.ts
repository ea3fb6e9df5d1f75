import type { TransactionResult } from '../protocol.ts'
import type { CoreDifference } from './core.ts'

/** A core transaction would make the core fit, unless it would have to replace services without leave. */
export function coreFirst(
  misfit: string,
  { absent, changed, reloaded }: CoreDifference,
  allowCore: boolean,
  serving: TransactionResult['serving'],
): TransactionResult {
  const refusal = { outcome: 'refused' as const, serving, previous: serving }
  if (changed.length > 0 && !allowCore) return { ...refusal, message: misfit }
  const names = [...absent, ...changed, ...reloaded].map((service) => service.name).join(', ')
  return {
    ...refusal,
    message: `the core comes first: ${names} must be started, replaced or given new files`,
    coreFirst: true,
  }
}
