import { basename } from 'node:path'
import type { MigrationDefinition } from '../definition.ts'
import type { MigrationFile } from '../files.ts'
import type { Declarations } from './declarations.ts'
import type { Finding } from './finding.ts'
import { lineOf, property, type Source } from './source.ts'

/** A migration as lint knows it: its text, and what it declares. */
export interface Linted {
  file: MigrationFile
  source: Source
  definition: MigrationDefinition
  declared: Declarations
}

export interface LintOptions {
  /** Ids that an earlier release has: from the base branch's lock or a manifest. Without them the rule on contracts cannot judge. */
  released?: readonly string[]
  /** Ids that ran on the database that is asked. Without these and `released` the rule on expands cannot judge. */
  applied?: readonly string[]
}

/** What two migrations have against each other. */
export function sequenceFindings(linted: readonly Linted[], { released, applied }: LintOptions): Finding[] {
  const ran = released === undefined && applied === undefined ? null : [...(released ?? []), ...(applied ?? [])]
  const findings: Finding[] = []
  for (const [index, one] of linted.entries()) {
    const before = linted.slice(0, index)
    const file = basename(one.file.file)
    const line = lineOf(property(one.source.exported, 'phase'))
    const { phase } = one.definition
    const isNew = (id: string) => released !== undefined && !released.includes(id)
    if (phase === 'contract' && isNew(one.file.id)) {
      const young = before.findLast(({ definition, file: other }) => definition.phase !== 'contract' && isNew(other.id))
      if (young !== undefined) {
        const message = `a contract in the release of ${young.file.id} (${young.definition.phase}): the release before still needs the old shape`
        findings.push({
          id: 'contract-too-early',
          level: 'error',
          file,
          line,
          message,
          fix: 'ship it with a later release',
        })
      }
    }
    if (phase === 'expand' && ran !== null) {
      const needed = before.find(
        ({ definition, file: other }) =>
          definition.phase === 'contract' && !ran.includes(other.id) && shareCollection(other.id, one, linted),
      )
      if (needed !== undefined) {
        const message = `an expand over what the earlier contract ${needed.file.id} changes: expands run before contracts`
        findings.push({
          id: 'expand-after-contract',
          level: 'error',
          file,
          line,
          message,
          fix: 'ship it once that contract is applied everywhere',
        })
      }
    }
  }
  return findings
}

function shareCollection(id: string, one: Linted, linted: readonly Linted[]): boolean {
  const namesOf = ({ source, declared }: Linted) =>
    new Set([
      ...declared.collections.map(({ name }) => name),
      ...declared.walks.map(({ collection }) => collection),
      ...source.calls.filter(({ within }) => within === 'up').flatMap(({ collection }) => collection ?? []),
    ])
  const other = linted.find(({ file }) => file.id === id)
  return other !== undefined && [...namesOf(other)].some((name) => namesOf(one).has(name))
}
