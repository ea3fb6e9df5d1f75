import { exitClass } from '../../lib/index.ts'
import type { AgentStatus } from '../protocol.ts'
import { type Command, readArgs } from './command.ts'
import { table } from './table.ts'

const json = { json: { type: 'boolean', default: false } } as const

export const status: Command = {
  usage: '[--json]',
  summary: 'what serves, what is kept warm, and what runs right now',
  async run(args, { agent, print }) {
    const { values } = readArgs(args, json)
    const answer = await agent.status()
    if (values.json) print(JSON.stringify(answer))
    else for (const line of table(statusRows(answer))) print(line)
    return exitClass.ok
  },
}

export const releases: Command = {
  usage: '[--json]',
  summary: 'the releases that this server accepted, and which a rollback can go to',
  async run(args, { agent, print }) {
    const { values } = readArgs(args, json)
    const answer = await agent.releases()
    if (values.json) print(JSON.stringify(answer))
    else {
      const rows = answer.releases.map((one) => [
        one.id,
        one.state,
        one.accepted,
        one.commit.slice(0, 12),
        one.reference,
      ])
      for (const line of table([['RELEASE', 'STATE', 'ACCEPTED', 'COMMIT', 'REFERENCE'], ...rows])) print(line)
    }
    return exitClass.ok
  },
}

export const health: Command = {
  usage: '[--json]',
  summary: 'probes what serves; exits 11 when it is not healthy',
  async run(args, { agent, print }) {
    const { values } = readArgs(args, json)
    const answer = await agent.health()
    if (values.json) print(JSON.stringify(answer))
    else {
      const rows = answer.checks.map((check) => [
        check.ok ? 'ok' : check.critical ? 'FAILED' : 'failed',
        check.name,
        `${Math.round(check.ms)} ms`,
        check.detail,
      ])
      for (const line of table([['STATE', 'CHECK', 'TIME', 'DETAIL'], ...rows])) print(line)
      print(answer.healthy ? 'healthy' : 'unhealthy')
    }
    return answer.healthy ? exitClass.ok : exitClass.unhealthy
  },
}

function statusRows({ agent, phase, transaction, serving, candidate, warm, last, failed }: AgentStatus): string[][] {
  const rows = [
    ['agent', `${agent.version} (${agent.sha256.slice(0, 19)}), Node ${agent.node}, engine ${agent.engine}`],
    ['serving', serving ? `${serving.release} with config ${serving.config}` : 'nothing'],
  ]
  if (candidate) rows.push(['candidate', `${candidate.release} with config ${candidate.config}`])
  if (warm) rows.push(['warm', `${warm.release} until ${warm.until}, or later the end of its requests`])
  rows.push([
    'running',
    transaction
      ? `${transaction.kind} ${transaction.id} of ${transaction.actor} since ${transaction.since}: ${transaction.step} (${phase})`
      : 'nothing',
  ])
  if (last) rows.push(['last', `${last.transaction}: ${last.result.outcome}, ${last.result.message}`])
  if (failed && failed.transaction !== last?.transaction)
    rows.push(['failed', `${failed.transaction}, and nothing made it good since: ${failed.result.message}`])
  return rows
}
