// What the containers of a server use while it is under load, as its engine counts it.
import { z } from 'zod'
import type { Machine } from '../lab/index.ts'
import type { Saturation } from './judge.ts'

const statsSchema = z.object({ Name: z.string(), CPUPerc: z.string(), MemPerc: z.string(), MemUsage: z.string() })
const UNITS: Readonly<Record<string, number>> = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 }

export class Watch {
  readonly #server: Machine
  #highest = new Map<string, Saturation>()
  #stopped = false
  #loop: Promise<void>

  constructor(server: Machine) {
    this.#server = server
    this.#loop = this.#run()
  }

  /** The highest figures since the last call. */
  take(): Saturation[] {
    const taken = [...this.#highest.values()]
    this.#highest = new Map()
    return taken
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#loop
  }

  async #run(): Promise<void> {
    const limits = await processorsOf(this.#server)
    while (!this.#stopped) {
      const { stdout } = await this.#server.exec(['docker', 'stats', '--no-stream', '--format', '{{json .}}'])
      for (const line of stdout.trim().split('\n').filter(Boolean)) {
        const { Name, CPUPerc, MemPerc, MemUsage } = statsSchema.parse(JSON.parse(line))
        const [, count, unit = 'B'] = /^([\d.]+)(\w+)/.exec(MemUsage) ?? []
        const seen = {
          container: Name,
          processor: Number.parseFloat(CPUPerc) / 100 / (limits.get(Name) ?? 1),
          memory: Number.parseFloat(MemPerc) / 100,
          bytes: Number(count) * (UNITS[unit] ?? 1),
        }
        const before = this.#highest.get(Name)
        this.#highest.set(Name, {
          container: Name,
          processor: Math.max(seen.processor, before?.processor ?? 0),
          memory: Math.max(seen.memory, before?.memory ?? 0),
          bytes: seen.bytes,
        })
      }
    }
  }
}

/** Containers that were ended for want of memory, or started again since they were made. */
export async function brokenOn(server: Machine): Promise<string[]> {
  const format = '{{.Name}} {{.State.OOMKilled}} {{.RestartCount}}'
  const lines = await inspect(server, format)
  return lines.flatMap((line) => {
    const [name = '', killed, restarts] = line.split(' ')
    return killed === 'true' || restarts !== '0' ? [name.replace(/^\//, '')] : []
  })
}

async function processorsOf(server: Machine): Promise<Map<string, number>> {
  const lines = await inspect(server, '{{.Name}} {{.HostConfig.NanoCpus}}')
  return new Map(
    lines.map((line): [string, number] => {
      const [name = '', nano] = line.split(' ')
      return [name.replace(/^\//, ''), Number(nano) / 1e9 || 1]
    }),
  )
}

async function inspect(server: Machine, format: string): Promise<string[]> {
  const script = 'docker inspect --format "$1" $(docker ps -q)'
  return (await server.run(['sh', '-c', script, 'sh', format])).trim().split('\n').filter(Boolean)
}
