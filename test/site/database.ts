// The database of a server, as a test looks into it: through root's own SSH, past the agent and the app.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createConnection } from 'node:net'
import { type Db, MongoClient } from 'mongodb'
import { freePorts, type Lab, type Machine, waitFor } from '../lab/index.ts'

const LIMIT = 60_000

export interface ServerDatabase extends AsyncDisposable {
  db: Db
}

/** Opens the database `pacs` of a server as the user of migrations. */
export async function openServerDatabase(lab: Lab, server: Machine, password: string): Promise<ServerDatabase> {
  const [port = 0] = await freePorts(1)
  const known = ['-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-o', 'LogLevel=ERROR']
  const way = ['-i', lab.sshKey, '-p', String(server.port(22)), '-N', '-L', `${port}:127.0.0.1:27017`]
  const ssh = spawn('ssh', ['-F', 'none', ...known, ...way, 'root@127.0.0.1'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const connect = async (): Promise<MongoClient> => {
    const client = new MongoClient(`mongodb://127.0.0.1:${port}/`, {
      directConnection: true,
      auth: { username: 'migrations', password },
      authSource: 'admin',
      serverSelectionTimeoutMS: LIMIT,
    })
    try {
      return await client.connect()
    } catch (thrown) {
      // One that could not connect is of no use any more.
      await client.close()
      throw thrown
    }
  }
  const end = async () => {
    if (ssh.exitCode === null && ssh.kill()) await once(ssh, 'close')
  }
  try {
    await waitFor('the way to the database', () => answers(port), LIMIT)
    const client = await connect()
    const close = () => client.close().then(end)
    return { db: client.db('pacs'), [Symbol.asyncDispose]: close }
  } catch (thrown) {
    await end()
    throw thrown
  }
}

/** Whether ssh listens at a port of this machine. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}
