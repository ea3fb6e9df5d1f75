import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import type { Database, Progress } from '../lab/index.ts'
import { runNode } from './child.ts'
import { type Measure, medianOf, rateOf } from './report.ts'

/** Documents per answer, as a dump asks for them. */
const LOT = 5000

const saidSchema = z.object({ ms: z.number(), documents: z.number(), bytes: z.number() })

/** Reads the whole database by the bare driver and as a dump, in turns. */
export async function benchDumpRate(
  { host, port, passwords }: Database,
  rounds: number,
  progress: Progress,
): Promise<Measure[]> {
  const address = { host, port, username: 'backup', password: passwords.backup }
  const rates = { bare: [] as number[], dump: [] as number[] }
  const read = async (how: 'bare' | 'dump') => {
    const directory = await mkdtemp(join(tmpdir(), 'pacs-dump-'))
    try {
      const input = JSON.stringify({ address, database: 'pacs', how, lot: LOT, directory })
      const { stdout } = await runNode([join(import.meta.dirname, 'dump-child.ts')], { input })
      return saidSchema.parse(JSON.parse(stdout))
    } finally {
      await rm(directory, { recursive: true, force: true })
    }
  }
  // The first round brings the data into the server's memory.
  for (let round = 0; round <= rounds; round++) {
    await progress.step(`round ${round} of reading everything`, async () => {
      const bytes = new Set<number>()
      for (const how of round % 2 === 0 ? (['dump', 'bare'] as const) : (['bare', 'dump'] as const)) {
        const said = await read(how)
        bytes.add(said.bytes)
        if (round > 0) rates[how].push(said.bytes / 1e6 / (said.ms / 1000))
      }
      if (bytes.size > 1) throw new Error(`the two sides read ${[...bytes].join(' and ')} bytes`)
    })
  }
  const bare = medianOf('bare raw reading', 'MB/s', null, rates.bare)
  const dump = medianOf('dump', 'MB/s', null, rates.dump)
  return [bare, dump, rateOf('dump over bare raw reading', 0.7, dump, bare)]
}
