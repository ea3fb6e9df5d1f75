// The commands of the runbooks: each is run by a test, or its block says why not.
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fencedBlocks } from './fenced-blocks.ts'

const RUNBOOKS = join(import.meta.dirname, '../../deployment/production/monitoring/runbooks')

/** Every command of the runbooks once, behind the variable that it asks for, with the pages that hold it. */
export async function runbookCommands(): Promise<Map<string, string[]>> {
  const commands = new Map<string, string[]>()
  for (const page of (await readdir(RUNBOOKS)).toSorted()) {
    const text = await readFile(join(RUNBOOKS, page), 'utf8')
    const lines = text.split('\n')
    for (const block of fencedBlocks(text).filter(({ language }) => language === 'sh')) {
      if (/^<!-- not run: .{10,} -->$/.test(lines[block.line - 2] ?? '')) continue
      let variables = ''
      for (const line of block.text.trimEnd().split('\n')) {
        if (/^[A-Z]+=/.test(line)) variables += `${line}\n`
        else commands.set(variables + line, [...(commands.get(variables + line) ?? []), page])
      }
    }
  }
  return commands
}
