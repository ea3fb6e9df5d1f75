import { readFile } from 'node:fs/promises'
import { badInput } from '../../lib/index.ts'
import type { DataPlan } from './data-plan.ts'

/**
 * Looks for the password of the repositories, which restic misses in words of its own.
 * @throws Failure `bad-input` where there is none
 */
export async function requirePassword({ repository }: Pick<DataPlan, 'repository'>): Promise<void> {
  const password = await readFile(repository.passwordFile, 'utf8').catch(() => '')
  if (password.trim() !== '') return
  throw badInput(
    'config: secrets/restic-password is missing or empty; put it in config/next/secrets/restic-password, and a copy off this server: without it every backup is lost',
  )
}
