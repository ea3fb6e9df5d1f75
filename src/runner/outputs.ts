import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Failure } from '../lib/index.ts'
import { setOutput } from './commands.ts'
import { containsMasked, hideMasked } from './masks.ts'

/** Sets outputs of the action. Their values come from schemas or are JSON, so that a server cannot add names of its own. */
export function writeOutputs(outputs: Readonly<Record<string, string | number | boolean | null>>): void {
  for (const [name, value] of Object.entries(outputs)) setOutput(name, value === null ? '' : String(value))
}

/**
 * Sets an output that other jobs need.
 * @throws Failure `error` when GitHub would drop it, because it contains a masked string.
 */
export function writeJobOutput(name: string, value: string): void {
  if (containsMasked(value)) {
    throw new Failure(
      'error',
      `output ${name} contains a masked string, so GitHub would hand an empty value to the next job: ` +
        'registry, repository and user names are no secrets, keep them in vars',
    )
  }
  writeOutputs({ [name]: value })
}

/** Writes a value as a JSON file for later steps of this job, and for an artifact. @returns its path, under RUNNER_TEMP */
export function writeJsonFile(name: string, value: unknown): string {
  return writeTextFile(name, `${JSON.stringify(value, null, 2)}\n`)
}

/** The same for a text. */
export function writeTextFile(name: string, text: string): string {
  const path = join(process.env.RUNNER_TEMP || tmpdir(), name)
  writeFileSync(path, hideMasked(text))
  return path
}
