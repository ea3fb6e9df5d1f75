// Applies migrations in a process of its own, so that a test can kill it: `node child.ts` with its task as JSON on standard input.
import { hostname } from 'node:os'
import { text } from 'node:stream/consumers'
import { z } from 'zod'
import { messageOf } from '../../src/lib/index.ts'
import { applyMigrations, loadMigrations, openDatabase, phaseSchema } from '../../src/migrations/index.ts'

export const taskSchema = z.object({
  address: z.object({
    host: z.string(),
    port: z.number(),
    database: z.string(),
    username: z.string(),
    password: z.string(),
  }),
  folder: z.string(),
  phases: z.array(phaseSchema),
  lease: z.object({ ttl: z.number(), wait: z.number() }),
})

const { address, folder, phases, lease } = taskSchema.parse(JSON.parse(await text(process.stdin)))
try {
  await using database = await openDatabase(address)
  const migrations = await loadMigrations(folder)
  const onEvent = (event: unknown) => process.stdout.write(`${JSON.stringify(event)}\n`)
  const common = {
    run: `child ${process.pid}`,
    actor: 'octocat',
    host: hostname(),
    signal: new AbortController().signal,
  }
  for (const phase of phases) await applyMigrations(database, migrations, { ...common, onEvent, phase, lease })
} catch (thrown) {
  process.stderr.write(`${messageOf(thrown)}\n`)
  process.exitCode = 1
}
