import { existsSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf, run, tryRun } from '../../src/lib/index.ts'
import { hostEnv, tryDocker } from './docker.ts'
import { ensureEngineDisk } from './engine-disk.ts'
import { LabError } from './errors.ts'
import { needPrograms } from './host-packages.ts'
import { withLock } from './lock.ts'
import type { Progress } from './progress.ts'
import { stateRoot } from './state.ts'
import { waitFor } from './wait.ts'

/** An environment variable by which a dockerd that the lab started is known again. */
const MARK = 'PACS_DEPLOY_LAB_ENGINE'
const DOCKER_PID = '/run/docker.pid'
const CONTAINERD_PID = '/run/docker/containerd/containerd.pid'
/** Milliseconds for which a living engine may be silent before it counts as hanging. */
const PATIENCE = 60_000
const CONTAINERD_SOCKETS = ['containerd.sock', 'containerd.sock.ttrpc', 'containerd-debug.sock']

/**
 * Makes sure that an engine answers: one that answers is used as it is; on a Debian without systemd, as root, dockerd is
 * installed and started, also after it was killed. There is never a second one: it would delete the first one's bridge.
 * @throws LabError in one line that says what is missing
 */
export async function ensureEngine(progress: Progress): Promise<void> {
  if (await answers()) return
  const { DOCKER_HOST: host } = process.env
  if (host !== undefined) throw new LabError(`no Docker engine answers at DOCKER_HOST=${host}: start it`)
  if (process.platform !== 'linux' || process.getuid?.() !== 0) {
    throw new LabError('no Docker engine answers: start it (as root on Debian the lab installs and starts one itself)')
  }
  await needPrograms(['docker', 'dockerd'], progress)
  await withLock('engine', async () => {
    if (await answers()) return
    await progress.step('start the engine', async () => {
      if (await recovers()) return
      if (existsSync('/run/systemd/system')) return startBySystemd()
      await mountCgroups()
      await clearLeftovers()
      await ensureEngineDisk()
      if (await startDockerd()) return
      await clearLeftovers()
      if (!(await startDockerd())) throw new LabError(`dockerd does not start; its last words: ${await lastWords()}`)
    })
  })
}

/** The process id of the running dockerd if the lab started it. */
export async function ownEngine(): Promise<number | undefined> {
  const pid = await readPid(DOCKER_PID)
  if (pid === undefined || (await commandOf(pid)) !== 'dockerd') return undefined
  const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')
  return environment.split('\0').includes(`${MARK}=1`) ? pid : undefined
}

async function answers(): Promise<boolean> {
  try {
    return (await tryDocker(['version', '--format', '{{.Server.Version}}'], { timeout: 5000 })).code === 0
  } catch {
    return false
  }
}

/**
 * Gives an engine that lives but does not answer, on a busy machine say, time to do so.
 * @returns whether it answers. @throws LabError when it hangs and is not the lab's own
 */
async function recovers(): Promise<boolean> {
  const pid = await readPid(DOCKER_PID)
  if (pid === undefined || (await commandOf(pid)) !== 'dockerd') return false
  try {
    return await waitFor('the engine to answer', answers, PATIENCE)
  } catch {
    if ((await ownEngine()) !== undefined) return false
    throw new LabError(`dockerd (process ${pid}) runs and does not answer: end it, or mend it`)
  }
}

async function startBySystemd(): Promise<void> {
  await run('systemctl', ['start', 'docker'], { env: hostEnv(), timeout: 60_000 })
  await waitFor('the engine that systemd started', answers, 30_000)
}

async function mountCgroups(): Promise<void> {
  if (existsSync('/sys/fs/cgroup/cgroup.controllers') || existsSync('/sys/fs/cgroup/memory')) return
  if (existsSync('/usr/bin/cgroupfs-mount')) await run('cgroupfs-mount', [], { env: hostEnv() })
}

/** A killed dockerd leaves pid files and sockets, and does not start again over them. /run/docker itself must stay. */
async function clearLeftovers(): Promise<void> {
  for (const file of [DOCKER_PID, CONTAINERD_PID]) {
    const pid = await readPid(file)
    if (pid !== undefined) await endDaemon(pid)
    await rm(file, { force: true })
  }
  await rm('/run/docker.sock', { force: true })
  for (const socket of CONTAINERD_SOCKETS) await rm(join('/run/docker/containerd', socket), { force: true })
}

async function endDaemon(pid: number): Promise<void> {
  const command = await commandOf(pid)
  if (command !== 'dockerd' && command !== 'containerd') return
  process.kill(pid, 'SIGKILL')
  await waitFor(`the end of ${command} ${pid}`, async () => (await commandOf(pid)) === undefined, 10_000)
}

/** @returns the name of a living process; nothing for one that is gone or a zombie. */
async function commandOf(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  const found = /^\d+ \((.*)\) (\w)/s.exec(stat)
  return found === null || found[2] === 'Z' || found[2] === 'X' ? undefined : found[1]
}

async function readPid(file: string): Promise<number | undefined> {
  const pid = Number.parseInt(await readFile(file, 'utf8').catch(() => ''), 10)
  return pid > 1 ? pid : undefined
}

/** @returns whether it answers; false when it ended before that. */
async function startDockerd(): Promise<boolean> {
  // A daemon outlives this process: setsid takes it out of our session, the shell gives it the log as its only output.
  const script = 'exec dockerd >>"$1" 2>&1 </dev/null'
  await run('setsid', ['-f', 'sh', '-c', script, 'sh', await logFile()], {
    cwd: '/',
    env: { ...hostEnv(), [MARK]: '1' },
  })
  let seen = false
  return await waitFor<'up' | 'ended' | false>(
    'dockerd to answer',
    async () => {
      if (await answers()) return 'up'
      const pid = await readPid(DOCKER_PID)
      const lives = pid !== undefined && (await commandOf(pid)) === 'dockerd'
      if (seen && !lives) return 'ended'
      seen = lives
      return false
    },
    60_000,
  ).then(
    (state) => state === 'up',
    () => false,
  )
}

async function logFile(): Promise<string> {
  return join(await stateRoot(), 'dockerd.log')
}

async function lastWords(): Promise<string> {
  try {
    return (await tryRun('tail', ['-n', '3', await logFile()], { env: hostEnv() })).stdout
  } catch (thrown) {
    return messageOf(thrown)
  }
}
