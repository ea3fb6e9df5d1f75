// mongod's place: PostgreSQL, FerretDB in front of it, and the shim in front of that. One ends, all end.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { listen, type Node } from './shim.ts'
import { Users } from './users.ts'

const DATA = '/data/db/pg'
const INITIATED = '/data/db/initiated'
const SOCKET = '/tmp/ferretdb.sock'
const POSTGRES = '/usr/lib/postgresql/18/bin'

const { values } = parseArgs({
  options: {
    replSet: { type: 'string' },
    keyFile: { type: 'string' },
    auth: { type: 'boolean' },
    bind_ip_all: { type: 'boolean' },
    port: { type: 'string', default: '27017' },
    wiredTigerCacheSizeGB: { type: 'string' },
    setParameter: { type: 'string', multiple: true },
    quiet: { type: 'boolean' },
  },
})

if (values.keyFile !== undefined) checkKeyFile(values.keyFile)

/** mongod's own demands on its keyfile. */
function checkKeyFile(file: string): void {
  const { mode, uid } = statSync(file)
  if ((mode & 0o077) !== 0) throw new Error(`permissions on ${file} are too open`)
  if (uid !== process.getuid?.()) throw new Error(`${file} belongs to another user`)
  const key = readFileSync(file, 'utf8').replaceAll(/\s/g, '')
  if (!/^[A-Za-z0-9+/=]{6,1024}$/.test(key)) throw new Error(`${file} does not hold 6 to 1024 base64 characters`)
}

const children: ChildProcess[] = []

function start(program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): void {
  const child = spawn(program, args, {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { PATH: process.env.PATH, ...env },
  })
  child.on('error', (error) => end(`${program}: ${error.message}`))
  child.on('exit', (code, signal) => end(`${program} ended (${signal ?? code})`))
  children.push(child)
}

let ending = false

function end(why: string): void {
  if (ending) return
  console.error(why)
  process.exit(1)
}

async function stop(): Promise<void> {
  if (ending) return
  ending = true
  const [postgres, ferret] = children
  ferret?.kill('SIGTERM')
  // Fast: sessions are cut, what was committed is kept.
  postgres?.kill('SIGINT')
  while (postgres?.exitCode === null && postgres.signalCode === null) await sleep(20)
  process.exit(0)
}

process.on('SIGTERM', stop).on('SIGINT', stop)

function sql(command: string): void {
  const args = ['--host=/tmp', '--username=postgres', '--no-psqlrc', '--quiet', '--set=ON_ERROR_STOP=1']
  const { status, stderr } = spawnSync(`${POSTGRES}/psql`, args, { input: command, encoding: 'utf8' })
  if (status !== 0) throw new Error(`psql: ${stderr}`)
}

const node: Node = {
  socket: SOCKET,
  replicaSet: values.replSet,
  initiated: () => existsSync(INITIATED),
  initiate: () => writeFileSync(INITIATED, ''),
  users: new Users('/data/db/users.json', sql),
}

// The container is this server's alone: what it finds of an earlier run is a dead one's.
for (const file of [`${DATA}/postmaster.pid`, '/tmp/.s.PGSQL.5432', '/tmp/.s.PGSQL.5432.lock', SOCKET])
  rmSync(file, { force: true })
if (!existsSync(DATA)) {
  rmSync(`${DATA}.new`, { recursive: true, force: true })
  spawnSync('cp', ['-a', '/template', `${DATA}.new`])
  renameSync(`${DATA}.new`, DATA)
}
// Those who insert one unique key at once wait for each other until this ends one: a second, left to itself.
start(`${POSTGRES}/postgres`, ['-D', DATA, '-c', 'deadlock_timeout=50ms'])
while (!isReady()) await sleep(20)
if (values.setParameter?.includes('ttlMonitorEnabled=false'))
  sql("SELECT cron.alter_job(jobid, active := false) FROM cron.job WHERE jobname = 'documentdb_ttl_task';")
start(
  '/usr/local/bin/ferretdb',
  [
    '--postgresql-url=postgres://postgres@127.0.0.1:5432/postgres',
    ...['--listen-addr=', `--listen-unix=${SOCKET}`, '--debug-addr=-', '--telemetry=disable'],
    ...['--state-dir=/tmp', '--log-level=warn'],
    // As a mongod without either: whoever reaches it is let in.
    ...(values.keyFile === undefined && values.auth !== true ? ['--no-auth'] : []),
  ],
  { DO_NOT_TRACK: '1' },
)
while (!existsSync(SOCKET)) await sleep(20)
await listen(node, Number(values.port))
console.log('Waiting for connections')

/** As pg_ctl does it. */
function isReady(): boolean {
  try {
    return readFileSync(`${DATA}/postmaster.pid`, 'utf8').split('\n')[7]?.trim() === 'ready'
  } catch {
    return false
  }
}
