import { type LookOptions, lookOnce } from '../gate.ts'
import type { ContainerFigures } from './container-figures.ts'
import type { PlannedCheck } from './plan.ts'

export type State = 'up' | 'degraded' | 'down'

export interface CheckResult {
  service: string
  check: string
  critical: boolean
  state: State
  /** Milliseconds until it was known. */
  ms: number
  detail: string
}

export interface Report {
  /** Down when something critical is, degraded when anything else is not up. */
  state: State
  at: string
  ms: number
  checks: CheckResult[]
}

/** Looks at everything at once; what does not answer in time is down, and nothing to look at is no health. */
export async function examine(planned: readonly PlannedCheck[], options: LookOptions): Promise<Report> {
  const started = performance.now()
  const took = () => Math.round(performance.now() - started)
  const checks = await Promise.all(
    planned.map(async ({ service, critical, check }): Promise<CheckResult> => {
      const { ok, degraded, detail } = await lookOnce(check, options)
      const state = !ok ? 'down' : degraded ? 'degraded' : 'up'
      return { service, check: check.name, critical, state, ms: took(), detail }
    }),
  )
  return { state: overall(checks), at: new Date().toISOString(), ms: took(), checks }
}

function overall(checks: readonly CheckResult[]): State {
  if (checks.length === 0 || checks.some(({ state, critical }) => state === 'down' && critical)) return 'down'
  return checks.every(({ state }) => state === 'up') ? 'up' : 'degraded'
}

/** For people: what is bad comes first. */
export function asTable({ state, ms, checks }: Report): string {
  const order: Record<State, number> = { down: 0, degraded: 1, up: 2 }
  const sorted = checks.toSorted((a, b) => order[a.state] - order[b.state])
  const rows = [
    ['STATE', 'SERVICE', 'CHECK', 'TIME', 'DETAIL'],
    ...sorted.map((one) => [
      one.state === 'down' && one.critical ? 'DOWN' : one.state,
      one.service,
      one.check,
      `${one.ms} ms`,
      one.detail,
    ]),
  ]
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  const up = checks.filter((one) => one.state === 'up').length
  return [...lines, `${state}: ${up} of ${checks.length} checks are up (${ms} ms)`, ''].join('\n')
}

const UP = 'pacs_health_check_up'
const DEGRADED = 'pacs_health_check_degraded'

function labels({ service, check, critical }: CheckResult): string {
  return `{service="${escaped(service)}",check="${escaped(check)}",critical="${critical}"}`
}

/**
 * For the journal of a timer: a line for each check that is not as it was, and no line where nothing changed.
 * @param before what {@link asPrometheus} wrote the last time; empty when there is none: then all were up
 */
export function changesSince(before: string, { checks }: Report): string[] {
  const lines = new Set(before.split('\n'))
  return checks.flatMap((one) => {
    const was = lines.has(`${UP}${labels(one)} 0`)
      ? 'down'
      : lines.has(`${DEGRADED}${labels(one)} 1`)
        ? 'degraded'
        : 'up'
    return was === one.state ? [] : [`${one.service} ${one.check} is ${one.state}, was ${was}: ${one.detail}`]
  })
}

/**
 * For the node exporter's textfile collector, or anything else that reads Prometheus' text.
 * @param figures of the containers that run
 */
export function asPrometheus({ state, at, ms, checks }: Report, figures: readonly ContainerFigures[] = []): string {
  const family = (name: string, help: string, samples: readonly string[], type = 'gauge') => [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} ${type}`,
    ...samples.map((sample) => `${name}${sample}`),
  ]
  const ofContainers = (
    name: string,
    help: string,
    value: (one: ContainerFigures) => number | null,
    type = 'gauge',
  ) => {
    const samples = figures.flatMap((one) => {
      const found = value(one)
      return found === null ? [] : [`{service="${escaped(one.service)}",name="${escaped(one.name)}"} ${found}`]
    })
    return samples.length === 0 ? [] : family(name, help, samples, type)
  }
  const all: readonly State[] = ['up', 'degraded', 'down']
  return [
    ...family(
      'pacs_health_state',
      'Whether the whole is in this state.',
      all.map((each) => `{state="${each}"} ${each === state ? 1 : 0}`),
    ),
    ...family(
      UP,
      '1 for a check that is up or degraded.',
      checks.map((one) => `${labels(one)} ${one.state === 'down' ? 0 : 1}`),
    ),
    ...family(
      DEGRADED,
      '1 for a check that is degraded.',
      checks.map((one) => `${labels(one)} ${one.state === 'degraded' ? 1 : 0}`),
    ),
    ...family(
      'pacs_health_check_duration_seconds',
      'Until the check was known.',
      checks.map((one) => `${labels(one)} ${one.ms / 1000}`),
    ),
    ...family('pacs_health_duration_seconds', 'Until all checks were known.', [` ${ms / 1000}`]),
    ...family('pacs_health_timestamp_seconds', 'When it was looked.', [` ${Date.parse(at) / 1000}`]),
    ...ofContainers('pacs_container_memory_bytes', 'Memory without droppable pages of files.', (one) => one.memory),
    ...ofContainers('pacs_container_memory_limit_bytes', 'Memory that it may use.', (one) => one.memoryLimit),
    ...ofContainers('pacs_container_cpu_seconds_total', 'Processor time since its start.', (one) => one.cpu, 'counter'),
    ...ofContainers('pacs_container_processes', 'Processes and threads.', (one) => one.processes),
    ...ofContainers('pacs_container_restarts_total', 'Starts by restart policy.', (one) => one.restarts, 'counter'),
    ...ofContainers('pacs_container_start_time_seconds', 'When it was started.', (one) => one.started),
    '',
  ].join('\n')
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
