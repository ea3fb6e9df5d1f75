// Transactions as a person at the server's console asks for them, with what was seen of them.
import { z } from 'zod'
import {
  type AgentStatus,
  eventSchema,
  type TransactionEvent,
  type TransactionResult,
} from '../../src/agent/protocol.ts'
import type { RunResult } from '../../src/lib/index.ts'
import { type Machine, waitFor } from '../lab/index.ts'
import { agent, statusOf } from './server.ts'

/** Milliseconds within which a server must be at rest again, whatever happened to it. */
const REST_LIMIT = 180_000

/** What the console saw: the events of one or, for a deploy with its core, two transactions. */
export interface Seen {
  code: number
  events: readonly TransactionEvent[]
  /** The last result; null when none was seen. */
  result: TransactionResult | null
  /** The steps of the last transaction, in order. */
  steps: readonly string[]
  stderr: string
}

/** Runs a verb with `--json`; `onEvent` is called with each event as soon as it is seen. */
export async function ask(
  server: Machine,
  args: readonly string[],
  onEvent: (event: TransactionEvent) => void = () => undefined,
): Promise<Seen> {
  const lines = (line: string, stream: 'stdout' | 'stderr') => {
    const event = stream === 'stdout' ? readEvent(line) : null
    if (event) onEvent(event)
  }
  return seen(await server.exec(['pacs-agent', ...args, '--json'], { onLine: lines }))
}

/**
 * Runs a verb and kills the agent's process (SIGKILL) on the server itself, at the moment when event number `event` of it is seen or
 * the first with `text` in it; with `coreStep`, when the state says that the core service being replaced has reached that step; with
 * `engine`, when the engine tells of the first event that fits these filters.
 */
export async function askAndKill(
  server: Machine,
  args: readonly string[],
  at: { event: number } | { text: string } | { coreStep: string } | { engine: readonly string[] },
): Promise<Seen> {
  await server.copyIn(Buffer.from(KILL_AT), '/root/kill-at.sh', 0o755)
  const point = pointOf(at)
  return seen(await server.exec(['/root/kill-at.sh', ...point, ...args, '--json']))
}

function pointOf(at: Parameters<typeof askAndKill>[2]): [string, string] {
  if ('event' in at) return ['event', String(at.event)]
  if ('text' in at) return ['text', at.text]
  if ('coreStep' in at) return ['state', `"step": "${at.coreStep}"`]
  return ['engine', at.engine.map((filter) => `--filter ${filter}`).join(' ')]
}

const KILL_AT = `#!/bin/sh
# kill-at.sh event N | text TEXT | state TEXT | engine FILTERS, then a verb
kind=$1 point=$2; shift 2
pid=$(systemctl show -p MainPID --value pacs-agent)
count=0
if [ "$kind" = state ]; then
  (until grep -qF "$point" /opt/pacs/state.json; do :; done; kill -9 "$pid") &
fi
if [ "$kind" = engine ]; then
  docker events $point | { read -r _ && kill -9 "$pid"; } &
fi
pacs-agent "$@" | while IFS= read -r line; do
  count=$((count + 1))
  [ "$kind" = event ] && [ "$count" = "$point" ] && kill -9 "$pid"
  case $kind$line in text*"$point"*) kill -9 "$pid"; kind=done ;; esac
  printf '%s\\n' "$line"
done
[ "$kind" = state ] && kill $! 2>/dev/null
[ "$kind" = engine ] && pkill -f '^docker events'
exit 0
`

function seen({ stdout, stderr, code }: RunResult): Seen {
  const events = stdout.split('\n').flatMap((line) => readEvent(line) ?? [])
  const starts = events.findLastIndex((event) => event.seq === 1)
  const last = events.slice(Math.max(0, starts))
  const end = events.at(-1)
  return {
    code,
    events,
    result: end?.type === 'result' ? end.result : null,
    steps: last.flatMap((event) => (event.type === 'step' ? event.step : [])),
    stderr,
  }
}

function readEvent(line: string): TransactionEvent | null {
  if (!line.startsWith('{')) return null
  return eventSchema.parse(JSON.parse(line))
}

/** The events that the journal of a server has of a transaction. */
export async function journalOf(server: Machine, transaction: string): Promise<readonly TransactionEvent[]> {
  const { stdout } = await agent(server, ['logs', transaction, '--json'])
  return stdout.split('\n').flatMap((line) => readEvent(line) ?? [])
}

/**
 * Waits until the agent, left alone, is at rest: no transaction, its last result in the journal, and no app container but those of
 * what serves and what is warm.
 */
export function atRest(server: Machine): Promise<AgentStatus> {
  return waitFor(
    `${server.hostname} at rest`,
    async () => {
      const status = await statusOf(server)
      if (status.phase !== 'idle' || status.transaction) throw new Error(`phase ${status.phase}`)
      const result = (await journalOf(server, status.last?.transaction ?? '')).at(-1)
      if (result?.type !== 'result') throw new Error(`the journal of ${status.last?.transaction} has no result`)
      const named = [status.serving, status.warm].flatMap((one) => one?.instance ?? []).sort()
      const running = await instancesOn(server)
      if (running.join() !== named.join()) throw new Error(`${running.join()} instead of ${named.join()}`)
      return status
    },
    REST_LIMIT,
  )
}

/** The instances of which any container exists, running or not. */
export async function instancesOn(server: Machine): Promise<string[]> {
  const format = '{{.Label "pacs.instance"}}'
  const labels = await server.run(['docker', 'ps', '-a', '--filter', 'label=pacs.instance', '--format', format])
  return [...new Set(labels.split('\n').filter(Boolean))].sort()
}

/** The id of the container of each core service, by service. */
export async function coreContainers(server: Machine): Promise<ReadonlyMap<string, string>> {
  const format = '{{.Label "com.docker.compose.service"}} {{.ID}} {{.State}}'
  const filter = 'label=com.docker.compose.project=pacs'
  const lines = (await server.run(['docker', 'ps', '-a', '--filter', filter, '--format', format])).trim().split('\n')
  const entry = z.tuple([z.string(), z.string(), z.literal('running')])
  return new Map(
    lines.map((line) => {
      const [service, id] = entry.parse(line.split(' '))
      return [service, id]
    }),
  )
}
