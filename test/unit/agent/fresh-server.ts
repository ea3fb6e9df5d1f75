import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach } from 'vitest'
import { z } from 'zod'
import { startAgent } from './life.ts'
import { MemoryWorld, Server } from './memory-world.ts'

const targetsSchema = z.array(z.object({ labels: z.object({ instance: z.string() }) }))

/** A server in memory and a folder for its agent's journal, new for each test of the file that asks for it. */
export function freshServer() {
  const here = {
    server: new Server(),
    directory: '',
    /** Another server and folder, within a test. */
    async renew(): Promise<void> {
      await remove()
      here.server = new Server()
      here.directory = await mkdtemp(join(tmpdir(), 'pacs-agent-'))
    },
    /** Starts an agent on the server, as a daemon does it. */
    start: (world = new MemoryWorld(here.server), undo?: number, prune?: number) =>
      startAgent(here.directory, world, undo, prune),
    routers: () => Object.keys(here.server.traffic.http?.routers ?? {}),
    /** The instance of each target that Prometheus is told of. */
    scraped: () => targetsSchema.parse(JSON.parse(here.server.targets)).map(({ labels }) => labels.instance),
  }
  const remove = async () => {
    if (here.directory !== '') await rm(here.directory, { recursive: true, force: true, maxRetries: 5 })
  }
  beforeEach(here.renew)
  afterEach(remove)
  return here
}
