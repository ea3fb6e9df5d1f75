import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Machine } from './machine.ts'
import { ensureTrivy } from './trivy.ts'

/** A scanner on a machine, as the inputs of the build action name it. */
export interface InstalledScanner {
  scanner: string
  'scanner-sha256': string
}

/** Puts the scanner of {@link ensureTrivy} into a machine. */
export async function installScanner(machine: Machine): Promise<InstalledScanner> {
  const program = await ensureTrivy()
  const sha256 = createHash('sha256')
    .update(await readFile(program))
    .digest('hex')
  const scanner = '/srv/trivy'
  await machine.copyIn(program, scanner, 0o755)
  return { scanner, 'scanner-sha256': sha256 }
}
