import { exitClass } from '../../lib/index.ts'
import type { HeldBackups } from '../protocol.ts'
import { type Command, readArgs } from './command.ts'
import { table } from './table.ts'
import { json } from './transactions.ts'

export const backups: Command = {
  usage: '[--json]',
  summary: 'the backups in the repositories, newest first; exits 50 when one cannot be read',
  async run(args, { agent, print, warn }) {
    const { values } = readArgs(args, json)
    const held = await agent.backups()
    const problems = held.repositories.filter(({ problem }) => problem !== null)
    if (values.json) print(JSON.stringify(held))
    else for (const line of table(rowsOf(held))) print(line)
    for (const { repository, problem } of problems) warn(`the ${repository} repository: ${problem}`)
    return problems.length === 0 ? exitClass.ok : exitClass.unreachable
  },
}

type Held = HeldBackups['repositories'][number]

/** A row for each backup, with what each repository has of it. */
function rowsOf({ repositories }: HeldBackups): string[][] {
  const byId = new Map(repositories.flatMap(({ backups }) => backups).map((one) => [one.id, one]))
  const newestFirst = [...byId.values()].toSorted((one, other) => (one.id < other.id ? 1 : -1))
  const names = repositories.map(({ repository }) => repository.toUpperCase())
  return [
    ['BACKUP', 'TAKEN', 'GIB', 'SERVER', ...names],
    ...newestFirst.map(({ id, startedAt, bytes, server }) => [
      ...[id, `${startedAt.slice(0, 16)}Z`, (bytes / 1024 ** 3).toFixed(1), server],
      ...repositories.map((one) => stateIn(one, id)),
    ]),
  ]
}

function stateIn({ problem, backups }: Held, id: string): string {
  if (problem !== null) return 'unknown'
  const found = backups.find((one) => one.id === id)
  if (found === undefined) return '-'
  return found.whole ? 'whole' : 'parts lost'
}
