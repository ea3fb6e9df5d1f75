// Applies the migrations of a folder in the phases asked for, one after another, measured from the connection to its end. Its task comes as JSON on standard input.
import { text } from 'node:stream/consumers'
import { z } from 'zod'
import { applyCarried, openDatabase, phaseSchema, readCarried } from '../../src/migrations/index.ts'
import { releaseMigrationSchema } from '../../src/release/index.ts'

const taskSchema = z.object({
  access: z.object({ port: z.number(), database: z.string(), username: z.string(), password: z.string() }),
  folder: z.string(),
  migrations: z.array(releaseMigrationSchema),
  phases: z.array(phaseSchema),
})

const { access, folder, migrations, phases } = taskSchema.parse(JSON.parse(await text(process.stdin)))
const options = { run: 'bench', actor: 'bench', host: 'bench', signal: new AbortController().signal }
const started = performance.now()
const applied: string[] = []
{
  // As the agent's child does it.
  const reading = readCarried(folder, migrations)
  reading.catch(() => undefined)
  await using database = await openDatabase(access)
  const carried = await reading
  for (const phase of phases) {
    const done = await applyCarried(database, carried, { ...options, phase, onEvent: () => undefined })
    applied.push(...done.applied.map(({ id }) => id))
  }
}
process.stdout.write(JSON.stringify({ ms: performance.now() - started, applied }))
