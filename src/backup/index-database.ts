import { closeSync, createReadStream, openSync, writeSync } from 'node:fs'
import { z } from 'zod'
import { Failure, parsedJson } from '../lib/index.ts'
import { type IndexTable, indexTableSchema } from './contents.ts'
import { askDocker, type Docker, type DockerCall } from './docker.ts'
import { filePath, type IndexCounts } from './orthanc-index.ts'

/** A PostgreSQL with an index of Orthanc: its container, and the user by whom its programs log in through the socket in there. */
export interface IndexDatabase {
  container: string
  database: string
  user: string
}

/** Runs a program of PostgreSQL in its own container: as the image's own user through the socket, so that there is no password. */
function inContainer({ container, database, user }: IndexDatabase, program: readonly string[]): string[] {
  const login = ['--env', `PGDATABASE=${database}`, '--env', `PGUSER=${user}`, '--env', 'PGTZ=UTC']
  return ['exec', '--interactive', ...login, container, ...program]
}

const PSQL = ['psql', '--no-psqlrc', '--quiet', '--no-align', '--tuples-only', '--set=ON_ERROR_STOP=1']

/** Runs a script of psql. @returns what it prints @throws Failure `error` with what PostgreSQL said */
export async function askIndex(docker: Docker, index: IndexDatabase, script: string, call?: DockerCall) {
  const result = await docker(inContainer(index, PSQL), { ...call, input: script })
  if (result.code === 0) return result
  const said = (result.stderr || result.stdout).trim().split('\n').slice(0, 3).join(' ')
  throw new Failure(
    'error',
    `PostgreSQL in ${index.container} did not answer for the database ${index.database}: ${said}`,
  )
}

/** What the index names, as one line of JSON. Kinds of resources begin with 0 here, and with 1 in SQLite. */
export const COUNTS = `SELECT json_build_object(
    'patients', count(*) FILTER (WHERE resourcetype = 0), 'studies', count(*) FILTER (WHERE resourcetype = 1),
    'series', count(*) FILTER (WHERE resourcetype = 2), 'instances', count(*) FILTER (WHERE resourcetype = 3),
    'files', (SELECT count(*) FROM attachedfiles),
    'bytes', (SELECT coalesce(sum(compressedsize), 0) FROM attachedfiles))
  FROM resources;`

/** Each table with its rows and the sum of their hashes, as lines of JSON: the sum does not ask for an order. */
export const TABLES = `SELECT format($$SELECT json_build_object('name', %L, 'rows', count(*),
    'hash', coalesce(sum(('x' || left(md5(pacs_row::text), 15))::bit(60)::bigint), 0)::text) FROM %I.%I AS pacs_row$$,
    tablename, schemaname, tablename)
  FROM pg_tables WHERE schemaname !~ '^pg_' AND schemaname <> 'information_schema' ORDER BY schemaname, tablename
\\gexec
`

/** The names of all files, in their order. */
const NAMES = `COPY (SELECT uuid FROM attachedfiles ORDER BY uuid COLLATE "C") TO STDOUT;`

/** What is dumped is what is counted: both see one snapshot, which the transaction keeps. The names come before the dump, the rest beside it. */
const DUMP = `BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY;
SELECT pg_export_snapshot() AS snapshot \\gset
\\setenv PACS_SNAPSHOT :snapshot
\\o | cat >&2
${COUNTS}
${TABLES}
\\o
${NAMES}
\\! pg_dump --format=custom --compress=0 --snapshot="$PACS_SNAPSHOT" && echo dumped >&2
COMMIT;
`
/** With what a dump begins: `PGDMP`. No name has such a letter. */
const DUMP_BEGINS = 'P'.charCodeAt(0)
/** What DUMP says last. */
const DUMPED = 'dumped'

export const countsSchema = z.object({
  patients: z.number(),
  studies: z.number(),
  series: z.number(),
  instances: z.number(),
  files: z.number(),
  bytes: z.number(),
})

/**
 * Dumps the index of a running Orthanc by `pg_dump`, without a compression: restic does that, and finds what is the same again.
 * @param file where to @param names where to its list of files goes @returns what the dump holds
 */
export async function dumpIndex(
  docker: Docker,
  index: IndexDatabase,
  file: string,
  names: string,
  signal: AbortSignal,
): Promise<{ counts: IndexCounts; tables: IndexTable[] }> {
  using list = new NewFile(names)
  using dump = new NewFile(file)
  let to = list
  const onBytes = (bytes: Uint8Array) => {
    const begins = to === dump ? 0 : bytes.indexOf(DUMP_BEGINS)
    if (begins >= 0) {
      list.write(bytes.subarray(0, begins))
      to = dump
    }
    to.write(bytes.subarray(Math.max(begins, 0)))
  }
  const { stderr } = await askIndex(docker, index, DUMP, { signal, onBytes })
  const lines = stderr.trim().split('\n')
  const last = lines.pop() ?? ''
  if (last !== DUMPED) throw new Failure('error', `pg_dump in ${index.container} failed: ${last}`)
  // Beside warnings of PostgreSQL's own.
  const [counts, ...tables] = lines.flatMap((line) => parsedJson(line) ?? [])
  return { counts: countsSchema.parse(counts), tables: z.array(indexTableSchema).parse(tables) }
}

/** Lists the files that a live index names, as {@link dumpIndex} does of its dump. */
export async function listFiles(
  docker: Docker,
  index: IndexDatabase,
  file: string,
  signal: AbortSignal,
): Promise<void> {
  using list = new NewFile(file)
  await askIndex(docker, index, NAMES, { signal, onBytes: (bytes) => list.write(bytes) })
}

/** A file that is written piece by piece as an answer comes. */
class NewFile implements Disposable {
  readonly #to: number

  constructor(path: string) {
    this.#to = openSync(path, 'wx', 0o600)
  }

  write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#to, bytes, at)
  }

  [Symbol.dispose](): void {
    closeSync(this.#to)
  }
}

/**
 * Restores a dump into a database that is made anew for it; all of it or nothing.
 * @throws Failure `unhealthy` with what pg_restore says
 */
export async function restoreIndex(
  docker: Docker,
  index: IndexDatabase,
  file: string,
  signal: AbortSignal,
): Promise<void> {
  const { database } = index
  // One that a cut restore left, or that an Orthanc which holds no study made; `postgres` is there in every server.
  for (const program of [
    ['dropdb', '--maintenance-db=postgres', '--if-exists', '--force', database],
    ['createdb', '--maintenance-db=postgres', '--template=template0', database],
  ]) {
    await askDocker(docker, inContainer(index, program), { signal })
  }
  const program = ['pg_restore', '--exit-on-error', '--single-transaction', '--no-owner', '--no-privileges']
  const { code, stderr } = await docker(inContainer(index, [...program, `--dbname=${database}`]), {
    signal,
    input: createReadStream(file),
  })
  if (code === 0) return
  const said = stderr.trim().split('\n')[0] ?? ''
  if (/No space left on device/.test(stderr)) throw new Failure('error', `no room to restore ${database}: ${said}`)
  throw new Failure('unhealthy', `the dump of ${database} does not restore: ${said}`)
}

const countSchema = z.coerce.number().int()

/** Bytes that the database takes on its disk, with what it needs to find its rows. */
export async function databaseBytes(docker: Docker, index: IndexDatabase, signal: AbortSignal): Promise<number> {
  const { stdout } = await askIndex(docker, index, 'SELECT pg_database_size(current_database());', { signal })
  return countSchema.parse(stdout)
}

/** How many studies an index names; 0 where no Orthanc has made its tables yet. */
export async function studiesIn(docker: Docker, index: IndexDatabase): Promise<number> {
  const script = `SELECT to_regclass('resources') IS NOT NULL AS made \\gset
\\if :made
SELECT count(*) FROM resources WHERE resourcetype = 1;
\\else
SELECT 0;
\\endif
`
  return countSchema.parse((await askIndex(docker, index, script)).stdout)
}

/** The paths of some files that an index names, in the storage directory. */
export async function someFiles(docker: Docker, index: IndexDatabase, some: number): Promise<string[]> {
  const { stdout } = await askIndex(docker, index, `SELECT uuid FROM attachedfiles LIMIT ${some};`)
  return stdout.split('\n').filter(Boolean).map(filePath)
}
