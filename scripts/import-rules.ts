import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { tryRun } from '../src/lib/index.ts'
import { inheritedEnvironment } from './environment.ts'

const resultSchema = z.object({
  summary: z.object({
    totalCruised: z.number(),
    totalDependenciesCruised: z.number(),
    violations: z.array(z.object({ from: z.string(), to: z.string(), rule: z.object({ name: z.string() }) })),
  }),
})

export interface ImportFindings {
  modules: number
  /** One line per forbidden import, and one when nothing was seen. */
  findings: string[]
}

/**
 * Checks the imports below `root` by the rules of `config`. Seeing no module is a finding: a compiler that dependency-cruiser
 * cannot use makes it see nothing and find nothing.
 */
export async function checkImports(root: string, config: string): Promise<ImportFindings> {
  const folders = ['src', 'scripts', 'test'].filter((name) => existsSync(join(root, name)))
  const program = join(import.meta.dirname, '../node_modules/dependency-cruiser/bin/dependency-cruiser.mjs')
  const args = [program, ...folders, '--config', config, '--output-type', 'json']
  const { stdout, stderr } = await tryRun(process.execPath, args, { cwd: root, env: inheritedEnvironment() })
  let output: unknown
  try {
    output = JSON.parse(stdout)
  } catch {
    return { modules: 0, findings: [`dependency-cruiser gave no result: ${stderr || stdout}`] }
  }
  const { summary } = resultSchema.parse(output)
  const findings = summary.violations.map(({ from, to, rule }) => `${from} imports ${to}: ${rule.name}`)
  if (summary.totalCruised === 0 || summary.totalDependenciesCruised === 0) {
    findings.push('dependency-cruiser saw no import at all: is the installed TypeScript one that it can use?')
  }
  return { modules: summary.totalCruised, findings }
}
