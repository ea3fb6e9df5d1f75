// What systemd starts. It runs from a copy that setup made (bin/launch.js) and that no release replaces, so a broken agent cannot
// break the choice between agents. It becomes the agent that it chooses (execve): one process, and no supervisor that could die
// without it. An agent is judged by its first start alone: started once, never ready, ended. One that has served before is only
// started again, so a power cut or a kill condemns nobody.
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { Failure } from '../../lib/index.ts'
import { hasMark, type InstalledAgent, installedAgents, setMark } from './installed.ts'

/**
 * The newest agent that is not bad. One that ended before it ever was ready is marked bad here, if there is another to go on with.
 * @throws Failure `error` when no agent is installed.
 */
export async function chooseAgent(bin: string, log: (message: string) => void): Promise<InstalledAgent> {
  const usable: InstalledAgent[] = []
  for (const agent of await installedAgents(bin)) {
    if (!(await hasMark(bin, agent.sha256, 'bad'))) usable.push(agent)
  }
  for (const [index, agent] of usable.entries()) {
    const failed = (await hasMark(bin, agent.sha256, 'tried')) && !(await hasMark(bin, agent.sha256, 'ready'))
    if (!failed || index === usable.length - 1) return agent
    log(`agent ${agent.version} (${agent.sha256}) ended before it was ready: it is bad, the previous one goes on`)
    await setMark(bin, agent.sha256, 'bad')
  }
  throw new Failure('error', `no agent is installed below ${bin}/agents: run setup-production.sh again`)
}

/** Megabytes of each half of the young generation: by default it grows to 16, and stays so after one deploy; 1 instead of 2 saves 6. */
const YOUNG_SPACE = '--max-semi-space-size=1'
/** glibc keeps an arena of freed memory for every thread that ever asked for some; Node has about ten. */
const FEW_ARENAS = { MALLOC_ARENA_MAX: '2' }

/** Becomes the chosen agent's daemon; returns only by throwing. */
export async function launch(bin: string, log: (message: string) => void): Promise<never> {
  const agent = await chooseAgent(bin, log)
  await setMark(bin, agent.sha256, 'tried')
  const { execve } = process
  if (!execve) throw new Failure('error', `Node ${process.version} cannot replace its process; Node 24 is needed`)
  return execve(process.execPath, [process.execPath, YOUNG_SPACE, agent.file, 'daemon'], {
    ...process.env,
    ...FEW_ARENAS,
  })
}

const POLL_MS = 100

export interface ReadyOptions {
  bin: string
  socket: string
  /** The process that is to become ready; systemd names it in MAINPID. */
  pid: number
  /** Milliseconds. */
  limit: number
}

/**
 * Waits until the agent listens, so that a start is over when it serves. systemd ends what fails here: an agent that was never
 * ready before has `limit` milliseconds; one that was may take longer, for it may have much to undo.
 * @throws Failure `error` when the process has ended, or a new agent is late.
 */
export async function waitUntilReady({ bin, socket, pid, limit }: ReadyOptions): Promise<void> {
  for (let waited = 0; waited < limit; waited += POLL_MS) {
    if ((await listens(socket)) && (await isProven(bin))) return
    if (!isAlive(pid)) throw new Failure('error', 'the agent ended before it was ready')
    await delay(POLL_MS)
  }
  if (await isProven(bin)) return
  throw new Failure('error', `the agent was not ready within ${limit / 1000} s`)
}

async function isProven(bin: string): Promise<boolean> {
  for (const agent of await installedAgents(bin)) {
    if (!(await hasMark(bin, agent.sha256, 'bad'))) return hasMark(bin, agent.sha256, 'ready')
  }
  return false
}

function listens(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => resolve(true))
    socket.once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
