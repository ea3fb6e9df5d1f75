import { basename } from 'node:path'
import { Failure, messageOf } from '../../lib/index.ts'
import type { MigrationDefinition } from '../definition.ts'
import { importMigration, type MigrationFile, readFiles } from '../files.ts'
import { compareToLock, readLock } from '../lock-file.ts'
import { declarationsOf } from './declarations.ts'
import type { Finding } from './finding.ts'
import { schemaProblems } from './json-schema.ts'
import { RECORDS } from './rule.ts'
import { RULES } from './rules.ts'
import { type Linted, type LintOptions, sequenceFindings } from './sequence.ts'
import { lineOf, property, readSource, type Source, unreadable } from './source.ts'

/** Reads every migration of `folder` without a database and says what would hurt one, the worst of each file first. */
export async function lintMigrations(folder: string, options: LintOptions = {}): Promise<Finding[]> {
  const findings: Finding[] = []
  const files = await readFiles(folder)
  findings.push(...(await lockFindings(folder, files)))
  const linted: Linted[] = []
  for (const file of files) {
    const name = basename(file.file)
    const problem = (line: number, id: string, message: string, fix: string) =>
      findings.push({ id, level: 'error', file: name, line, message, fix })
    let source: Source
    try {
      source = readSource(name, file.text)
    } catch (thrown) {
      const line = Number(/\((\d+):\d+\)/.exec(messageOf(thrown))?.[1] ?? 1)
      problem(line, 'syntax', messageOf(thrown), 'write it so that Node can read it')
      continue
    }
    let definition: MigrationDefinition
    try {
      definition = (await importMigration(file)).definition
    } catch (thrown) {
      if (!(thrown instanceof Failure)) throw thrown
      findings.push(...missingMembers(name, source))
      const isKnown = findings.some((one) => one.file === name)
      const message = thrown.message.replace(`${file.file}: `, '')
      if (!isKnown) problem(lineOf(source.exported), 'shape', message, 'write what it asks for')
      findings.push(...ruleFindings(name, source, assurancesIn(source)))
      continue
    }
    linted.push({ file, source, definition, declared: await declarationsOf(definition) })
    const unread = unreadable(source, Object.keys(definition))
    if (unread !== null) {
      const fix = 'write export default { … } with all members in it, and up, down and check in this file'
      problem(lineOf(source.exported), 'unreadable', `${unread} cannot be read, so nothing was judged by it`, fix)
      continue
    }
    findings.push(...ruleFindings(name, source, assurancesIn(source)))
  }
  for (const one of linted) findings.push(...declarationFindings(one))
  findings.push(...sequenceFindings(linted, options))
  return unique(findings)
}

/** What a migration that Node does not load has to have, and does not write down. */
function missingMembers(file: string, { exported }: Source): Finding[] {
  if (exported === null) return []
  const missing = (member: string, message: string, fix: string): Finding => {
    return { id: `missing-${member}`, level: 'error', file, line: lineOf(exported), message, fix }
  }
  const findings = ['check', 'phase', 'description']
    .filter((member) => property(exported, member) === undefined)
    .map((member) => missing(member, `there is no ${member}`, `write ${member}`))
  if (property(exported, 'down') || property(exported, 'irreversible')) return findings
  const fix = "write down(context), which mostly restores, or irreversible: 'why'"
  return [...findings, missing('down', 'it can neither be undone nor says why not', fix)]
}

async function lockFindings(folder: string, files: readonly MigrationFile[]): Promise<Finding[]> {
  const fix = 'see the message; the lock is committed with the migrations'
  const finding = (message: string): Finding => {
    const file = files.find(({ id }) => message.startsWith(id))
    return {
      id: 'lock',
      level: 'error',
      file: file ? basename(file.file) : 'migrations.lock.json',
      line: 1,
      message,
      fix,
    }
  }
  try {
    return compareToLock(await readLock(folder), files).map(finding)
  } catch (thrown) {
    return [finding(messageOf(thrown))]
  }
}

/** Rules for which the migration says why they do not matter here. */
function assurancesIn({ exported }: Source): Set<string> {
  const assured = property(exported, 'assured')
  const names = new Set<string>()
  if (assured?.type !== 'ObjectExpression') return names
  for (const entry of assured.properties) {
    if (entry.type !== 'Property') continue
    if (entry.key.type === 'Identifier') names.add(entry.key.name)
    else if (entry.key.type === 'Literal') names.add(String(entry.key.value))
  }
  return names
}

function ruleFindings(file: string, source: Source, assured: ReadonlySet<string>): Finding[] {
  return RULES.filter(({ id, assurable }) => !assurable || !assured.has(id)).flatMap(({ id, level, fix, find }) =>
    find(source).map(({ line, message }) => ({ id, level, file, line, message, fix })),
  )
}

/** What only shows when `up` has said what it declares, by whatever code. */
function declarationFindings({ file, source, declared, definition }: Linted): Finding[] {
  const name = basename(file.file)
  const up = lineOf(property(source.exported, 'up'))
  const findings: Finding[] = []
  for (const { name: collection, declaration } of declared.collections) {
    for (const { word, message, fix } of schemaProblems(declaration.schema)) {
      findings.push({
        id: 'schema-keyword',
        level: 'error',
        file: name,
        line: lineOfWord(file.text, word) ?? up,
        message,
        fix,
      })
    }
    for (const index of declaration.indexes ?? []) {
      if (index.expireAfterSeconds === undefined || !RECORDS.includes(collection)) continue
      const line = lineOfWord(file.text, 'expireAfterSeconds') ?? up
      const message = `documents of ${collection} would expire by a TTL index`
      findings.push({
        id: 'record-ttl',
        level: 'error',
        file: name,
        line,
        message,
        fix: 'remove the index: these records are kept for years',
      })
    }
  }
  for (const { collection } of declared.walks) {
    if (!RECORDS.includes(collection) || definition.assured?.['signed-record'] !== undefined) continue
    const message = `documents of ${collection} are changed: their hashes no longer prove them`
    findings.push({
      id: 'signed-record',
      level: 'error',
      file: name,
      line: up,
      message,
      fix: 'leave signed records as they were signed (21 CFR 11.70)',
    })
  }
  return findings
}

function lineOfWord(text: string, word: string): number | null {
  const escaped = word.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
  const line = text.split('\n').findIndex((one) => new RegExp(`(^|[^\\w$])${escaped}([^\\w$]|$)`).test(one))
  return line < 0 ? null : line + 1
}

function unique(findings: readonly Finding[]): Finding[] {
  const seen = new Map(
    findings.map((one) => [`${one.file} ${one.line} ${one.id} ${one.id === 'schema-keyword' ? one.message : ''}`, one]),
  )
  return [...seen.values()].sort((one, other) =>
    one.file === other.file ? one.line - other.line : one.file < other.file ? -1 : 1,
  )
}
