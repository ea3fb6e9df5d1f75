// `migrate-mongo up` by its own interface, measured from the connection to its end. Run in the folder of a project.
import { config, database, up } from 'migrate-mongo'

// Read before the clock starts, as the other side knows its task by then.
await config.read()
const started = performance.now()
const { db, client } = await database.connect()
const applied = await up(db, client)
await client.close()
process.stdout.write(JSON.stringify({ ms: performance.now() - started, applied }))
