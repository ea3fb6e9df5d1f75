import { copyFile, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { badInput, exitClass, Failure, messageOf, Problems } from '../../lib/index.ts'
import { sha256 } from '../../release/index.ts'
import { readArgs } from '../cli/command.ts'
import { openSocket } from '../client.ts'
import { clearMark, installAgent, installedAgents, isNewer, setCurrent } from '../install/installed.ts'
import type { Layout } from '../layout.ts'
import { AGENT_VERSION } from '../version.ts'
import { addKeys, type NamedKey, parseNamedKey, readKeys, renderKeys } from './authorized-keys.ts'
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
import { ensureTimers } from './timers.ts'

const USER = 'pacs'

export interface SetupOptions {
  paths: Layout
  /** The agent that runs here and is installed. */
  script: string
  print: (line: string) => void
}

/**
 * Makes this machine a server, or brings it up to date: doing it twice changes nothing the second time. Prints what it changed.
 * With `--check` it only judges.
 * @throws Failure `bad-input` with everything that is wrong or missing, before the first change.
 */
export async function setup(args: readonly string[], { paths, script, print }: SetupOptions): Promise<number> {
  const { values } = readArgs(args, {
    key: { type: 'string', multiple: true, default: [] },
    node: { type: 'string' },
    restic: { type: 'string' },
    check: { type: 'boolean', default: false },
  })
  const problems = new Problems()
  const keys = await judgeKeys(values.key, problems)
  await noting(problems, async () => judgeAgent(paths, await readFile(script)))
  for (const warning of await checkRequirements(process.getuid?.(), problems)) print(`warning: ${warning}`)
  problems.throwIfAny()
  if (values.check) return exitClass.ok

  let count = 0
  const changes: Changes = {
    changed(what) {
      count++
      print(`changed: ${what}`)
    },
  }
  const owner = await ensureUser(changes)
  await ensureFolders(changes, paths, owner)
  await ensurePrograms(changes, paths, { node: values.node, restic: values.restic })
  const agentChanged = await ensureAgent(changes, paths, script, owner)
  await ensureFile(changes, COMMAND, commandScript(paths.bin), 0o755, ROOT)
  await ensureDirectory(changes, '/etc/pacs-agent', 0o755, ROOT)
  await ensureFile(changes, AUTHORIZED_KEYS, renderKeys(keys), 0o644, ROOT)
  await ensureSshd(changes)
  await ensureService(changes, paths, agentChanged)
  await ensureTimers(changes, USER, paths.releases, print)
  print(count === 0 ? 'nothing changed' : `${count} changes`)
  if (keys.length === 0) print('note: no key may deploy here yet (--key)')
  if (!(await exists(join(paths.bin, 'restic'))))
    print('note: restic is not installed; backups need it (--restic FILE)')
  return exitClass.ok
}

/** The keys that may deploy here after the set-up: those of before and the given ones. */
async function judgeKeys(given: readonly string[], problems: Problems): Promise<NamedKey[]> {
  const added = given.map((text) => noting(problems, () => parseNamedKey(text)))
  const present = readKeys(await readFile(AUTHORIZED_KEYS, 'utf8').catch(() => ''))
  const known = (await Promise.all(added)).filter((key) => key !== undefined)
  return (await noting(problems, () => addKeys(present, known))) ?? present
}

/** @throws Failure `bad-input` when the installed agent is newer, or another one of the same version. */
async function judgeAgent({ bin }: Layout, content: Uint8Array): Promise<void> {
  const [newest] = await installedAgents(bin)
  if (newest && isNewer(newest.version, AGENT_VERSION)) {
    throw badInput(`agent ${newest.version} is installed, this one is ${AGENT_VERSION}: set up with the newer one`)
  }
  if (newest?.version === AGENT_VERSION && newest.sha256 !== sha256(content)) {
    throw badInput(`another agent ${AGENT_VERSION} is installed (${newest.sha256}): give this one a higher version`)
  }
}

/** Adds what a judgement throws as a person's mistake to `problems`, and goes on. */
async function noting<T>(problems: Problems, judge: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await judge()
  } catch (thrown) {
    if (!(thrown instanceof Failure) || thrown.kind !== 'bad-input') throw thrown
    problems.add(thrown.message)
    return undefined
  }
}

async function ensureUser(changes: Changes): Promise<Owner> {
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
  const { root, bin, releases, config, configNext, stack, traefik, metrics, journal, audit } = paths
  for (const path of [root, bin, join(bin, 'agents'), releases, config, stack, journal, audit]) {
    await ensureDirectory(changes, path, 0o750, owner)
  }
  for (const name of ['backups', 'logs']) await ensureDirectory(changes, join(root, name), 0o750, owner)
  await ensureDirectory(changes, configNext, 0o700, owner)
  for (const name of ['secrets', 'certs']) await ensureDirectory(changes, join(configNext, name), 0o700, owner)
  // Mounted into containers that run as others; the parent keeps everyone else out.
  await ensureDirectory(changes, traefik, 0o755, owner)
  await ensureDirectory(changes, metrics, 0o755, owner)
}

/** The programs that the agent runs beside Docker: root's own, replaced as a whole. */
async function ensurePrograms(
  changes: Changes,
  { bin }: Layout,
  files: Readonly<Record<'node' | 'restic', string | undefined>>,
): Promise<void> {
  for (const [name, file] of Object.entries(files)) {
    if (file !== undefined) await ensureFile(changes, join(bin, name), await readFile(file), 0o755, ROOT)
  }
}

/** @returns whether the launcher or the newest agent is another than before. */
async function ensureAgent(changes: Changes, { bin }: Layout, script: string, owner: Owner): Promise<boolean> {
  const content = await readFile(script)
  const digest = sha256(content)
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
