// One team's servers and repository in a lab: set up, configured, nothing deployed yet.
import { readFile } from 'node:fs/promises'
import { type Lab, type Machine, startLab } from '../lab/index.ts'
import { Counter, type CounterOptions } from '../load/counter.ts'
import { configure, productionConfig, type ServerSecrets, type SiteConfig, setUp } from './server.ts'
import { UserRepository } from './user-repository.ts'

export interface Site extends AsyncDisposable {
  lab: Lab
  repository: UserRepository
  /** What a person wrote into the configuration of each server, by its name. */
  configs: ReadonlyMap<string, SiteConfig & { secrets: ServerSecrets }>
}

/** Brings a lab up whose servers have an agent and the shipped stack's configuration. */
export async function startSite(servers: readonly string[]): Promise<Site> {
  const lab = await startLab({ servers })
  try {
    const key = (await readFile(`${lab.sshKey}.pub`, 'utf8')).trim()
    const configs: [string, SiteConfig & { secrets: ServerSecrets }][] = []
    for (const server of lab.servers.values()) {
      const config = await productionConfig(lab, server)
      await setUp(server, key)
      await configure(server, config)
      configs.push([server.name, config])
    }
    const repository = await UserRepository.create(lab)
    return { lab, repository, configs: new Map(configs), [Symbol.asyncDispose]: () => lab.down() }
  } catch (thrown) {
    await lab.down()
    throw thrown
  }
}

/** Starts to count requests at the public entry of a server. */
export async function count(
  lab: Lab,
  server: Machine,
  options: Pick<CounterOptions, 'api' | 'images'> = {},
): Promise<Counter> {
  const ca = await readFile(lab.ca, 'utf8')
  return new Counter({ host: '127.0.0.1', port: server.port(443), servername: server.hostname, ca, ...options })
}
