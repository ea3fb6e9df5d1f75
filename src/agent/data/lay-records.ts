import { constants } from 'node:fs'
import { copyFile, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { counted } from '../../lib/index.ts'
import type { DataPlan } from './data-plan.ts'

/** The folders of a backup whose files are lines that are only ever added to. */
const RECORDS = ['audit', 'journal']

/**
 * Lays the records of a server that is lost beside those of the one in its place, whose own backups hold them from then on. Nothing is
 * overwritten: where both have written a file, as on the day of the fire, the older one gets the backup's id into its name.
 * @param restored where the folders of the backup lie
 */
export async function layRecords({ folders }: DataPlan, restored: string, backup: string): Promise<string> {
  let laid = 0
  const records = folders.filter(({ name }) => RECORDS.includes(name))
  for (const { name, path } of records) {
    const from = join(restored, name)
    for (const file of await readdir(from)) {
      if (await layFile(join(from, file), join(path, file), backup)) laid++
    }
  }
  return `${counted(laid, 'file')} laid into ${records.map(({ path }) => path).join(' and ')}`
}

/** @returns whether it was not there yet */
async function layFile(from: string, to: string, backup: string): Promise<boolean> {
  if (await copyNew(from, to)) return true
  const [older, own] = await Promise.all([readFile(from), readFile(to)])
  if (own.subarray(0, older.length).equals(older)) return false
  return copyNew(from, to.replace(/(\.jsonl)?$/, `.${backup}$1`))
}

async function copyNew(from: string, to: string): Promise<boolean> {
  try {
    await copyFile(from, to, constants.COPYFILE_EXCL)
    return true
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw thrown
  }
}
