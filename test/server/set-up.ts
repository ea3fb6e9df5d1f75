import { readFile } from 'node:fs/promises'
import type { RunResult } from '../../src/lib/index.ts'
import { type Lab, type Machine, startLab } from '../lab/index.ts'
import { shippedAgent } from './agent-bundle.ts'

const script = new URL('../../deployment/production/scripts/setup-production.sh', import.meta.url)

/** Brings up a lab with one server, on which lies what the set-up needs. */
export async function startServer(): Promise<{ lab: Lab; server: Machine }> {
  const lab = await startLab({ servers: ['staging'], runner: false })
  try {
    const server = lab.server('staging')
    await bringSetUp(server)
    return { lab, server }
  } catch (thrown) {
    await lab.down()
    throw thrown
  }
}

/** Puts what a person needs for the set-up into /root of a server. */
export async function bringSetUp(server: Machine, agent: string | Uint8Array | null = null): Promise<void> {
  await server.copyIn(await readFile(script), '/root/setup-production.sh', 0o755)
  await server.copyIn(Buffer.from(agent ?? (await shippedAgent())), '/root/agent.js')
  await server.copyIn(process.execPath, '/root/node', 0o755)
}

/**
 * Runs setup-production.sh with what `bringSetUp` brought.
 * @param keys such as `ci=ssh-ed25519 AAAA…`
 * @param options such as the steps to leave out; the hardening has a test of its own and takes its time
 */
export function runSetUp(
  server: Machine,
  keys: readonly string[] = [],
  options: readonly string[] = ['--without', 'hardening'],
): Promise<RunResult> {
  const named = keys.flatMap((key) => ['--key', key])
  const files = ['--agent', '/root/agent.js', '--node', '/root/node']
  return server.exec(['/root/setup-production.sh', ...files, ...named, ...options])
}
