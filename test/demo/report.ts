// What the demo says at its end: the table, the lost requests, where to look, and the last line.
import { formatDuration } from '../../src/lib/index.ts'
import type { Lab, Machine } from '../lab/index.ts'
import { people } from '../site/users.ts'
import type { Scene, Sight } from './scene.ts'

export interface Played {
  title: string
  /** Milliseconds. */
  duration: number
  scene: Scene
}

const HEAD = ['stage', 'time', 'server', 'outcome', 'requests', 'failed', 'longest gap']
/** Columns of figures, aligned to the right. */
const RIGHT = new Set([1, 4, 5, 6])

/** One row for each server of each stage. */
export function tableOf(played: readonly Played[]): string {
  const rows = played.flatMap(({ title, duration, scene }) => {
    const mark = scene.unmet.length > 0 ? 'NOT AS EXPECTED: ' : ''
    const sights = scene.sights.length > 0 ? scene.sights : [{ server: '', outcome: 'broke off' }]
    return sights.map((sight, index) => [
      ...(index === 0 ? [title, formatDuration(duration)] : ['', '']),
      ...[sight.server, `${mark}${sight.outcome}`],
      ...figuresOf(sight),
    ])
  })
  const widths = HEAD.map((head, column) => Math.max(head.length, ...rows.map((row) => row[column]?.length ?? 0)))
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) =>
        RIGHT.has(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd()
  return [line(HEAD), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n')
}

/** Each stage that was not as expected, and why; the first lost requests by name. */
export function complaintsOf(played: readonly Played[]): string[] {
  return played.flatMap(({ title, scene }) => [
    ...scene.unmet.map((unmet) => `${title}: ${unmet}`),
    ...scene.sights.flatMap(({ server, tally }) =>
      (tally?.failed ?? [])
        .slice(0, 5)
        .map(
          ({ at, request, instance, why }) =>
            `${title}: ${server}: lost at ${formatDuration(at)}: ${request}: ${why} (instance ${instance ?? 'unknown'})`,
        ),
    ),
  ])
}

export function totalsOf(played: readonly Played[]): { sent: number; failed: number; announced: number } {
  const tallies = played.flatMap(({ scene }) => scene.sights.flatMap(({ tally }) => tally ?? []))
  return {
    sent: tallies.reduce((sum, tally) => sum + tally.sent, 0),
    failed: tallies.reduce((sum, tally) => sum + tally.failed.length, 0),
    announced: tallies.reduce((sum, tally) => sum + tally.announced.length, 0),
  }
}

/** The announced answers 500, named apart, and the last line. @param ms how long the whole demo took */
export function endOf(played: readonly Played[], ms: number): string {
  const { sent, failed, announced } = totalsOf(played)
  const apart = `apart from that, as announced: ${announced} answers 500 of release 4 on staging, between its switch and its undo`
  const last = `demo: ${sent} requests, ${failed} failed, ${Math.round(ms / 1000)} s`
  return announced > 0 ? `${apart}\n${last}` : last
}

function figuresOf({ tally }: Sight): string[] {
  if (tally === undefined) return ['', '', '']
  const { sent, failed, announced, longestGap } = tally
  const apart = announced.length > 0 ? ` (+ ${announced.length} announced)` : ''
  return [String(sent), `${failed.length}${apart}`, `${Math.round(longestGap)} ms`]
}

type Place = Pick<Machine, 'name' | 'hostname' | 'port'>

/** How to look at a lab that is kept. */
export function addressesOf(lab: Pick<Lab, 'name' | 'ca'> & { servers: ReadonlyMap<string, Place> }): string {
  const lines = [...lab.servers.values()].flatMap((server) => addressOf(server, lab.ca))
  return [
    ...lines,
    `to log in      ${Object.values(people)
      .map(({ name, password, role }) => `${name} with "${password}" (${role})`)
      .join(', ')}`,
    `in a browser   import ${lab.ca} as an authority first, or accept its warning`,
    `at a console   npm run lab -- shell production --name ${lab.name}   then: pacs-agent status`,
    `take it down   npm run lab -- down --name ${lab.name}`,
  ].join('\n')
}

function addressOf(server: Place, ca: string): string[] {
  const { hostname } = server
  const port = server.port(443)
  return [
    `${server.name.padEnd(14)} https://localhost:${port}/`,
    `${''.padEnd(14)} curl --cacert ${ca} --resolve ${hostname}:${port}:127.0.0.1 https://${hostname}:${port}/api/version`,
  ]
}
