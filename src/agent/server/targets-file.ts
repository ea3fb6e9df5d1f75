import { chmod, mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { messageOf, replaceFile } from '../../lib/index.ts'

/**
 * Writes `targets.json` in a directory that Prometheus mounts, only when its text changed. What goes wrong is logged: monitoring
 * stops no deploy and no undo.
 */
export function openTargets(directory: string, log: (message: string) => void): (text: string) => Promise<void> {
  let written: string | null = null
  return async (text) => {
    if (text === written) return
    try {
      await mkdir(directory, { recursive: true })
      await chmod(directory, 0o755)
      await replaceFile(join(directory, 'targets.json'), text, 0o444, dirname(directory))
      written = text
    } catch (thrown) {
      log(`the targets of Prometheus could not be written: ${messageOf(thrown)}`)
    }
  }
}
