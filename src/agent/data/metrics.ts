import { chmod, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { attemptMetrics } from '../../backup/index.ts'
import { messageOf, replaceFile } from '../../lib/index.ts'
import type { Place } from './place.ts'

/** Replaces a file that the node exporter's textfile collector reads; a reader sees the old one or the new one. */
export async function writeMetrics({ metrics }: Place, name: string, text: string): Promise<void> {
  await mkdir(metrics, { recursive: true })
  // Mounted into a container that runs as another; the parent keeps everyone else out.
  await chmod(metrics, 0o755)
  await replaceFile(join(metrics, `${name}.prom`), text, 0o644)
}

/**
 * Does work and leaves for Prometheus when that was and whether it went well, also when its process was killed.
 * Metrics that cannot be written fail nothing: `note` says so.
 */
export async function recordAttempt<T>(
  what: 'backup' | 'backup_verification',
  { place, note }: { place: Place; note(message: string): Promise<void> },
  work: () => Promise<T>,
  isGood: (value: T) => boolean = () => true,
): Promise<T> {
  let good = false
  try {
    const value = await work()
    good = isGood(value)
    return value
  } finally {
    const file = `pacs-${what.replaceAll('_', '-')}-attempt`
    await writeMetrics(place, file, attemptMetrics(what, good, Date.now())).catch((thrown: unknown) =>
      note(`the metrics of this attempt could not be written: ${messageOf(thrown)}`),
    )
  }
}
