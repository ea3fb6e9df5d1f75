import { expect, it } from 'vitest'
import { arrange, partsTag, type Tagged } from '../../../src/backup/catalogue.ts'
import { planOf } from '../../../src/backup/restore-plan.ts'
import type { RestoreSession } from '../../../src/backup/restore-session.ts'
import { contents } from './contents.ts'

/** The snapshots of a backup: what was dumped, and its contents. */
const stored = (id: string, hostname = 'pacs1'): Tagged[] => [
  { id: `work of ${id}`, hostname, tags: [`id=${id}`, 'part=work'], paths: ['/staged'] },
  { id: `contents of ${id}`, hostname, tags: [`id=${id}`, 'part=contents', partsTag(1)], paths: ['/contents.json'] },
]
const OLDEST = '20261121t013000z-00000001'
const OLDER = '20261122t013000z-00000002'
const OTHERS = '20261123t013000z-00000003'

it('a backup that has lost a part is refused by the plan, which names the newest whole one of its server', async () => {
  const lacking = (id: string) => stored(id).slice(1)
  const planned = async (...snapshots: Tagged[]) => {
    const arranged = arrange(snapshots)
    const backups = [...arranged.complete, ...arranged.lacking].sort((a, b) => (a.id < b.id ? 1 : -1))
    const backup = backups.find(({ id }) => id === contents.id)
    const request = { target: { kind: 'study', study: '1.2', directory: '/nowhere' } }
    return planOf({ request, backup, contents, backups } as unknown as RestoreSession)
  }
  const others = [...stored(OLDEST), ...lacking(OLDER), ...stored(OTHERS, 'pacs2')]
  const lost = `the backup ${contents.id} is not whole: no snapshot holds its dumps`
  expect((await planned(...lacking(contents.id), ...others)).refusals).toEqual([
    `${lost}; the newest whole one of pacs1 is ${OLDEST}`,
  ])
  expect((await planned(...lacking(contents.id))).refusals).toEqual([`${lost}; there is no other of pacs1`])
  expect((await planned(...stored(contents.id), ...others)).refusals).toEqual([])
})
