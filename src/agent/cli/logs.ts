import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { badInput, exitClass, readJsonLines, refused } from '../../lib/index.ts'
import { eventSchema, type TransactionEvent } from '../protocol.ts'
import { type Command, type Console, readArgs } from './command.ts'
import { table } from './table.ts'
import { eventLine } from './transactions.ts'

export const logs: Command = {
  usage: '[<transaction>] [--json]',
  summary: 'the journal: every transaction with its outcome, or all that one did; works without a running agent',
  async run(args, { paths, print }: Console) {
    const { values, operands } = readArgs(args, { json: { type: 'boolean', default: false } }, [0, 1])
    const ids = await transactions(paths.journal)
    const [id] = operands
    if (id !== undefined) {
      if (!ids.includes(id)) throw badInput(`no transaction ${id} is in the journal (pacs-agent logs lists them)`)
      for await (const event of eventsOf(paths.journal, id))
        print(values.json ? JSON.stringify(event) : eventLine(event))
      return exitClass.ok
    }
    const summaries = (await Promise.all(ids.map((one) => summarize(paths.journal, one)))).sort((a, b) =>
      a.began < b.began ? -1 : 1,
    )
    if (values.json) for (const summary of summaries) print(JSON.stringify(summary))
    else {
      const rows = summaries.map((one) => [one.began, one.transaction, one.outcome, one.message])
      for (const line of table([['BEGAN', 'TRANSACTION', 'OUTCOME', 'MESSAGE'], ...rows])) print(line)
    }
    return exitClass.ok
  },
}

async function transactions(journal: string): Promise<string[]> {
  const names = await readdir(journal).catch((thrown: NodeJS.ErrnoException) => {
    throw refused(`${journal} cannot be read (${thrown.code}): be root or in the group pacs`)
  })
  return names.filter((name) => name.endsWith('.jsonl')).map((name) => name.slice(0, -'.jsonl'.length))
}

function eventsOf(journal: string, id: string): AsyncGenerator<TransactionEvent> {
  return readJsonLines(createReadStream(join(journal, `${id}.jsonl`)), eventSchema)
}

async function summarize(journal: string, transaction: string) {
  let began = ''
  let outcome = 'open'
  let message = ''
  for await (const event of eventsOf(journal, transaction)) {
    began ||= event.at
    if (event.type !== 'result') continue
    outcome = event.result.outcome
    message = event.result.message
  }
  return { began, transaction, outcome, message }
}
