import { join } from 'node:path'
import { Failure } from '../../lib/index.ts'
import { sha256 } from '../../release/index.ts'
import { openSocket } from '../client.ts'
import { clearMark, installAgent, installedAgents, setCurrent } from '../install/installed.ts'
import type { Layout } from '../layout.ts'
import { AGENT_VERSION } from '../version.ts'
import { COMMAND, commandScript, UNIT, unitFile } from './files.ts'
import { type Host, ROOT, succeeds, system } from './host.ts'
import { file, type Item } from './items.ts'
import { type Site, USER } from './server-steps.ts'
import type { Step } from './step.ts'

const DAEMON_RELOAD = ['systemctl', 'daemon-reload'] as const

/** The agent, its launcher, its command and its service. */
export function agentStep({ paths, owner }: Site, agent: { file: string; content: Uint8Array }): Step {
  const { bin } = paths
  const digest = sha256(agent.content)
  const installed: Item = {
    differences: async () =>
      (await installedAgents(bin)).some((one) => one.sha256 === digest) ? [] : [`agent ${AGENT_VERSION}: installed`],
    async make(changer) {
      const hex = digest.slice('sha256:'.length)
      const made = [`${AGENT_VERSION}-${hex.slice(0, 12)}`, `${hex}.tried`, `${hex}.ready`, `${hex}.bad`]
      const paths = [...made.map((name) => join(bin, 'agents', name)), join(bin, 'current')]
      await changer.atUndo(['rm', '--recursive', '--force', ...paths])
      await installAgent(bin, { file: agent.file, version: AGENT_VERSION, sha256: digest })
      // Who installs an agent by hand wants it tried again.
      for (const mark of ['bad', 'tried'] as const) await clearMark(bin, digest, mark)
      const [newest] = await installedAgents(bin)
      if (newest && (await changer.host.read(join(bin, 'current', 'index.js'))) === null) await setCurrent(bin, newest)
      await giveToUser(changer.host, bin)
    },
  }
  return {
    id: 'agent',
    title: 'the agent and its service',
    items: () => [
      file(join(bin, 'package.json'), '{ "type": "module" }\n', 0o640, owner),
      file(join(bin, 'launch.js'), agent.content, 0o640, owner),
      installed,
      file(UNIT, unitFile(bin, USER), 0o644, ROOT, DAEMON_RELOAD),
      service(paths),
      file(COMMAND, commandScript(bin), 0o755),
    ],
  }
}

async function giveToUser(host: Host, bin: string): Promise<void> {
  await system(
    host,
    'chown',
    '--recursive',
    '--no-dereference',
    `${USER}:${USER}`,
    join(bin, 'agents'),
    join(bin, 'current'),
  )
}

const SERVICE = 'pacs-agent.service'

function service(paths: Layout): Item {
  const isActive = (host: Host) => succeeds(host, 'systemctl', 'is-active', '--quiet', SERVICE)
  return {
    async differences(host, dirty) {
      const enabled = await succeeds(host, 'systemctl', 'is-enabled', '--quiet', SERVICE)
      const active = await isActive(host)
      return [
        ...(enabled ? [] : [`${SERVICE}: enabled`]),
        ...(active && !dirty ? [] : [`${SERVICE}: ${active ? 'restarted' : 'started'}`]),
      ]
    },
    async make(changer) {
      const active = await isActive(changer.host)
      await system(changer.host, 'systemctl', 'daemon-reload')
      await changer.run(
        ['systemctl', 'enable', '--quiet', SERVICE],
        ['systemctl', 'disable', '--quiet', '--now', SERVICE],
      )
      if (active) await refuseWhileBusy(paths)
      // Returns when the agent is ready (ExecStartPost).
      await changer.run(['systemctl', 'restart', SERVICE], null)
    },
  }
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
