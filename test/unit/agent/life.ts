// One life of an agent on a server in memory, and what a client does with it.

import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { layout } from '../../../src/agent/layout.ts'
import { requestSchema, type TransactionRequestInput, type TransactionResult } from '../../../src/agent/protocol.ts'
import { Agent } from '../../../src/agent/transaction/agent.ts'
import { type Journal, openJournal } from '../../../src/agent/transaction/journal.ts'
import { sha256 } from '../../../src/release/index.ts'
import { type MemoryWorld, memoryPlanner, memoryRelease } from './memory-world.ts'

let ids = 0

/** Milliseconds for which an undone release still serves its assets. */
export const PAGE_LOAD = 5000

/** The deploy of release number `number`. */
export const deployOf = (number: number): TransactionRequestInput => ({
  kind: 'deploy',
  release: memoryRelease(number).reference,
  actor: 'jane',
  watch: 3000,
  keepWarm: 600_000,
})

/** The rollback to release number `to`, or to the previous one. */
export const back = (to?: number): TransactionRequestInput => ({
  kind: 'rollback',
  reason: 'worse than before',
  actor: 'jane',
  watch: 3000,
  ...(to === undefined ? {} : { to: memoryRelease(to).id }),
})

/** Starts an agent over `world`, as a daemon does it; its journal lies in `directory`. @param undo milliseconds after which an undo is tried again @param prune those at rest after which it prunes */
export async function startAgent(directory: string, world: MemoryWorld, undo = 30_000, prune = 3_600_000) {
  const { server } = world
  const logged: string[] = []
  await Promise.allSettled(server.writes)
  const journal = mortal(
    openJournal(directory, () => new Date(server.time)),
    world,
  )
  const planner = memoryPlanner(server)
  const agent = new Agent({
    paths: { ...layout(directory), journal: directory, audit: directory },
    world,
    journal,
    planner,
    identity: { version: '0.1.0', sha256: sha256('agent'), node: 'v24', engine: '26' },
    adopt: async () => undefined,
    login: async () => async () => undefined,
    log: (message) => logged.push(message),
    intervals: { undo, sweep: 5, prune },
  })
  await Promise.race([agent.recover(), world.died])
  return { agent, world, planner, journal, logged, [Symbol.asyncDispose]: () => agent.close() }
}

/** `journal` of an agent that writes nothing once it is dead; what it has begun to write then, a kernel ends before it starts the next. */
function mortal(journal: Journal, world: MemoryWorld): Journal {
  const { writes } = world.server
  const alive = <T>(write: () => Promise<T>): Promise<T> => {
    if (world.dead) return new Promise(() => undefined)
    const written = write()
    writes.add(written)
    return written.finally(() => writes.delete(written))
  }
  return {
    ...journal,
    async writer(id) {
      const writer = await alive(() => journal.writer(id))
      return {
        get currentStep() {
          return writer.currentStep
        },
        step: (...said) => alive(() => writer.step(...said)),
        progress: (...said) => alive(() => writer.progress(...said)),
        note: (...said) => alive(() => writer.note(...said)),
        result: (...said) => alive(() => writer.result(...said)),
      }
    },
  }
}

const auditedSchema = z.object({ transaction: z.string(), result: z.object({ outcome: z.string() }).optional() })

/** The outcomes that the audit in `directory` has of transaction `id`, in their order. */
export async function audited(directory: string, id: string): Promise<string[]> {
  const days = (await readdir(directory)).filter((name) => /^\d{4}-\d\d-\d\d\.jsonl$/.test(name)).sort()
  const texts = await Promise.all(days.map((day) => readFile(join(directory, day), 'utf8')))
  const lines = texts.flatMap((text) => text.trim().split('\n')).map((line) => auditedSchema.parse(JSON.parse(line)))
  return lines.flatMap(({ transaction, result }) => (transaction === id && result ? result.outcome : []))
}

export async function resultOf(agent: Agent, id: string): Promise<TransactionResult> {
  for await (const event of agent.events(id, 0, new AbortController().signal) ?? [])
    if (event.type === 'result') return event.result
  throw new Error(`${id} has no result`)
}

/** Asks for a transaction with the key `deploy`. @returns its id */
export async function submit(agent: Agent, request: TransactionRequestInput): Promise<string> {
  const id = `transaction-${++ids}`
  await agent.submit(id, requestSchema.parse(request), 'deploy')
  return id
}

/** Asks for a transaction and waits for its result. */
export async function ask(agent: Agent, request: TransactionRequestInput): Promise<TransactionResult> {
  return resultOf(agent, await submit(agent, request))
}

/** Asks for `request`, after `unsealed` where there is one. @returns whether the agent died before its result */
export async function diesIn(
  { agent, world }: { agent: Agent; world: MemoryWorld },
  id: string,
  request: TransactionRequestInput,
  unsealed?: TransactionRequestInput,
): Promise<boolean> {
  const asks = async () => {
    if (unsealed) {
      await agent.submit(`${id}-unsealed`, requestSchema.parse(unsealed), 'deploy')
      for await (const event of agent.events(`${id}-unsealed`, 0, new AbortController().signal) ?? [])
        if (event.type === 'step' && event.step === 'watch') break
    }
    await agent.submit(id, requestSchema.parse(request), 'deploy')
    await resultOf(agent, id)
    return world.dead
  }
  return Promise.race([asks(), world.died.then(() => true)])
}
