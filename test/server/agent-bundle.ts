import { readFile } from 'node:fs/promises'
import { AGENT_VERSION } from '../../src/agent/version.ts'

/** The agent that ships, as committed. */
export function shippedAgent(): Promise<Buffer> {
  return readFile(new URL('../../dist/agent/index.js', import.meta.url))
}

/** The agent that ships, under another version: what a later release would bring. */
export async function agentOfVersion(version: string): Promise<string> {
  const text = (await shippedAgent()).toString()
  const written = JSON.stringify(AGENT_VERSION)
  if (text.split(written).length !== 2) throw new Error(`dist/agent/index.js does not hold ${written} exactly once`)
  return text.replace(written, JSON.stringify(version))
}

/** An agent whose daemon ends at once, before it is ready. */
export const dyingAgent = `process.stderr.write('this agent dies at its start\\n')\nprocess.exitCode = 3\n`

/** An agent whose daemon never gets ready and never ends. */
export const hangingAgent = `setInterval(() => {}, 60_000)\n`
