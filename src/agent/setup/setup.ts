import { copyFile, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { badInput, exitClass, Failure, messageOf } from '../../lib/index.ts'
import { sha256 } from '../../release/index.ts'
import { readArgs } from '../cli/command.ts'
import { openSocket } from '../client.ts'
import { clearMark, installAgent, installedAgents, isNewer, setCurrent } from '../install/installed.ts'
import type { Layout } from '../layout.ts'
import { AGENT_VERSION } from '../version.ts'
import { addKeys, parseNamedKey, readKeys, renderKeys } from './authorized-keys.ts'
import { AUTHORIZED_KEYS, COMMAND, commandScript, SSHD_DROP_IN, sshdDropIn, UNIT, unitFile } from './files.ts'
import { checkRequirements } from './requirements.ts'
import {
  type Changes,
  ensureDirectory,
  ensureFile,
  exists,
  type Owner,
  outputOf,
  ROOT,
  succeeds,
  system,
} from './system.ts'

const USER = 'pacs'

export interface SetupOptions {
  paths: Layout
  /** The agent that runs here and is installed. */
  script: string
  print: (line: string) => void
}

/**
 * Makes this machine a server, or brings it up to date: doing it twice changes nothing the second time. Prints what it changed.
 * @throws Failure `bad-input` with everything that is missing, before the first change.
 */
export async function setup(args: readonly string[], { paths, script, print }: SetupOptions): Promise<number> {
  const { values } = readArgs(args, { key: { type: 'string', multiple: true, default: [] } })
  const keys = values.key.map(parseNamedKey)
  for (const warning of await checkRequirements(process.getuid?.())) print(`warning: ${warning}`)

  let count = 0
  const changes: Changes = {
    changed(what) {
      count++
      print(`changed: ${what}`)
    },
  }
  const owner = await ensureUser(changes)
  await ensureFolders(changes, paths, owner)
  const agentChanged = await ensureAgent(changes, paths, script, owner)
  await ensureFile(changes, COMMAND, commandScript(paths.bin), 0o755, ROOT)
  await ensureKeys(changes, keys)
  await ensureSshd(changes)
  await ensureService(changes, paths, agentChanged)
  print(count === 0 ? 'nothing changed' : `${count} changes`)
  return exitClass.ok
}

async function ensureUser(changes: Changes): Promise<Owner> {
  if (!(await succeeds('getent', 'group', 'docker')))
    throw badInput('the group docker is missing: is Docker installed?')
  if (!(await succeeds('getent', 'passwd', USER))) {
    // A shell, because sshd runs the forced command through it; a password that nothing matches.
    await system(
      'useradd',
      '--system',
      '--user-group',
      '--no-create-home',
      '--home-dir',
      '/opt/pacs',
      '--shell',
      '/bin/sh',
      '--password',
      '*',
      USER,
    )
    changes.changed(`user ${USER}: made`)
  }
  const groups = (await system('id', '--name', '--groups', USER)).split(' ')
  if (!groups.includes('docker')) {
    await system('usermod', '--append', '--groups', 'docker', USER)
    changes.changed(`user ${USER}: in group docker, which makes it root's equal`)
  }
  const [uid, gid] = await Promise.all([system('id', '--user', USER), system('id', '--group', USER)])
  return { uid: Number(uid), gid: Number(gid) }
}

async function ensureFolders(changes: Changes, paths: Layout, owner: Owner): Promise<void> {
  const { root, bin, releases, config, configNext, stack, traefik, journal, audit } = paths
  for (const path of [root, bin, join(bin, 'agents'), releases, config, stack, journal, audit]) {
    await ensureDirectory(changes, path, 0o750, owner)
  }
  for (const name of ['backups', 'logs']) await ensureDirectory(changes, join(root, name), 0o750, owner)
  await ensureDirectory(changes, configNext, 0o700, owner)
  for (const name of ['secrets', 'certs']) await ensureDirectory(changes, join(configNext, name), 0o700, owner)
  // Mounted into containers that run as others; the parent keeps everyone else out.
  await ensureDirectory(changes, traefik, 0o755, owner)
}

/** @returns whether the launcher or the newest agent is another than before. */
async function ensureAgent(changes: Changes, { bin }: Layout, script: string, owner: Owner): Promise<boolean> {
  const content = await readFile(script)
  const digest = sha256(content)
  const [newest] = await installedAgents(bin)
  if (newest && isNewer(newest.version, AGENT_VERSION)) {
    throw badInput(`agent ${newest.version} is installed, this one is ${AGENT_VERSION}: set up with the newer one`)
  }
  const same = newest?.version === AGENT_VERSION && newest.sha256 !== digest ? newest : undefined
  if (same) {
    throw badInput(`another agent ${AGENT_VERSION} is installed (${same.sha256}): give this one a higher version`)
  }
  await ensureFile(changes, join(bin, 'package.json'), '{ "type": "module" }\n', 0o640, owner)
  const launcher = await ensureFile(changes, join(bin, 'launch.js'), content, 0o640, owner)
  const installed = await installAgent(bin, { file: script, version: AGENT_VERSION, sha256: digest })
  if (installed) changes.changed(`agent ${AGENT_VERSION}: installed`)
  // Who installs an agent by hand wants it tried again.
  for (const mark of ['bad', 'tried'] as const) if (installed) await clearMark(bin, digest, mark)
  const [agent] = await installedAgents(bin)
  if (agent && !(await exists(join(bin, 'current')))) await setCurrent(bin, agent)
  await system(
    'chown',
    '--recursive',
    '--no-dereference',
    `${owner.uid}:${owner.gid}`,
    join(bin, 'agents'),
    join(bin, 'current'),
  )
  return installed || launcher
}

async function ensureKeys(changes: Changes, added: Parameters<typeof addKeys>[1]): Promise<void> {
  await ensureDirectory(changes, '/etc/pacs-agent', 0o755, ROOT)
  const present = readKeys(await readFile(AUTHORIZED_KEYS, 'utf8').catch(() => ''))
  await ensureFile(changes, AUTHORIZED_KEYS, renderKeys(addKeys(present, added)), 0o644, ROOT)
}

/** The drop-in takes effect only if sshd accepts the whole; otherwise what was there before comes back. */
async function ensureSshd(changes: Changes): Promise<void> {
  const before = `${SSHD_DROP_IN}.before`
  const had = await exists(SSHD_DROP_IN)
  if (had) await copyFile(SSHD_DROP_IN, before)
  const changed = await ensureFile(changes, SSHD_DROP_IN, sshdDropIn(USER), 0o644, ROOT)
  try {
    await system('sshd', '-t')
    const effective = await system('sshd', '-T', '-C', `user=${USER},host=localhost,addr=127.0.0.1`)
    if (!effective.includes('permitopen 127.0.0.1:27017')) {
      throw new Failure(
        'error',
        `/etc/ssh/sshd_config does not include ${SSHD_DROP_IN}: add "Include /etc/ssh/sshd_config.d/*.conf"`,
      )
    }
  } catch (thrown) {
    if (changed && had) await rename(before, SSHD_DROP_IN)
    if (changed && !had) await rename(SSHD_DROP_IN, `${SSHD_DROP_IN}.refused`)
    throw new Failure('error', `sshd does not accept ${SSHD_DROP_IN}: ${messageOf(thrown)}`)
  }
  if (had) await system('rm', '--force', before)
  if (changed) await system('systemctl', 'reload', (await succeeds('systemctl', 'cat', 'ssh.service')) ? 'ssh' : 'sshd')
}

async function ensureService(changes: Changes, paths: Layout, agentChanged: boolean): Promise<void> {
  const unitChanged = await ensureFile(changes, UNIT, unitFile(paths.bin, USER), 0o644, ROOT)
  if (unitChanged) await system('systemctl', 'daemon-reload')
  if (!(await succeeds('systemctl', 'is-enabled', '--quiet', 'pacs-agent'))) {
    await system('systemctl', 'enable', '--quiet', 'pacs-agent')
    changes.changed('pacs-agent.service: enabled')
  }
  const active = (await outputOf('systemctl', 'is-active', 'pacs-agent')) === 'active'
  if (active && !unitChanged && !agentChanged) return
  if (active) await refuseWhileBusy(paths)
  // Returns when the agent is ready (ExecStartPost).
  await system('systemctl', 'restart', 'pacs-agent')
  changes.changed(`pacs-agent.service: ${active ? 'restarted' : 'started'}`)
}

async function refuseWhileBusy(paths: Layout): Promise<void> {
  const agent = openSocket(paths.socket, { patience: 0 })
  const status = await agent.status().catch(() => null)
  agent.close()
  if (!status?.transaction) return
  const { kind, id } = status.transaction
  throw new Failure(
    'locked',
    `${kind} ${id} runs; the new agent is installed, restart it afterwards: systemctl restart pacs-agent`,
  )
}
