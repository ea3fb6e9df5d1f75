import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { messageOf } from '../lib/index.ts'
import { sha256 } from '../release/index.ts'
import { createApi } from './api/api.ts'
import { listen, ProvenKeys } from './api/listen.ts'
import { createAgent } from './create.ts'
import { hasMark, installedAgents, setCurrent, setMark } from './install/installed.ts'
import { adoptAgent } from './install/upgrade.ts'
import type { Layout } from './layout.ts'
import { AGENT_VERSION } from './version.ts'

export interface DaemonOptions {
  paths: Layout
  /** The script that runs here: its hash is this agent's identity. */
  script: string
  /** PATH for `docker`. */
  path: string
  log: (message: string) => void
  /** Ends the daemon. */
  signal: AbortSignal
}

/**
 * Runs the agent until `signal` aborts or a newer agent takes over: what an earlier process left is undone or cleaned up, then
 * the sockets open, then this agent counts as ready.
 */
export async function daemon({ paths, script, path, log, signal }: DaemonOptions): Promise<void> {
  const own = sha256(await readFile(script))
  const agent = await createAgent({
    paths,
    path,
    script,
    identity: { version: AGENT_VERSION, sha256: own, node: process.version },
    adopt: (release) => adoptAgent(paths.bin, AGENT_VERSION, release),
    log,
  })
  await agent.recover()
  const successor = new AbortController()
  const keys = new ProvenKeys()
  const api = createApi({
    service: agent,
    keyOf: (socket) => keys.of(socket),
    onRestarting: () => successor.abort(),
    log,
  })
  const close = await listen(api, keys, paths)
  await becomeReady(paths.bin, own, log)
  log(`agent ${AGENT_VERSION} (${own}) is ready`)

  const end = AbortSignal.any([signal, successor.signal])
  if (!end.aborted) await once(end, 'abort')
  log(successor.signal.aborted ? 'ends, so that a newer agent takes over' : 'ends, as asked')
  await close()
  await agent.close()
}

async function becomeReady(bin: string, own: string, log: (message: string) => void): Promise<void> {
  const agent = (await installedAgents(bin)).find((one) => one.sha256 === own)
  // One that was started by hand from elsewhere is nobody's successor.
  if (!agent) return log('runs from outside bin/agents')
  try {
    if (!(await hasMark(bin, agent.sha256, 'ready'))) await setMark(bin, agent.sha256, 'ready')
    await setCurrent(bin, agent)
  } catch (thrown) {
    log(`could not be marked as ready: ${messageOf(thrown)}`)
  }
}
