import { tmpdir } from 'node:os'
import { expect, it } from 'vitest'
import { arrange, partsTag, type Tagged } from '../../../src/backup/catalogue.ts'
import type { Docker } from '../../../src/backup/docker.ts'
import { HeldTtl } from '../../../src/backup/held-ttl.ts'
import { swapIn } from '../../../src/backup/restore-collections.ts'
import { planOf } from '../../../src/backup/restore-plan.ts'
import type { RestoreSession } from '../../../src/backup/restore-session.ts'
import { MemoryDatabase } from '../../backup/memory-database.ts'
import { contents } from './contents.ts'

/** The snapshots of a backup: what was dumped, and its contents. */
const stored = (id: string, hostname = 'pacs1'): Tagged[] => [
  { id: `work of ${id}`, hostname, tags: [`id=${id}`, 'part=work'], paths: ['/staged'] },
  { id: `contents of ${id}`, hostname, tags: [`id=${id}`, 'part=contents', partsTag(1)], paths: ['/contents.json'] },
]
/** An engine that keeps its containers on the same disk. */
const docker: Docker = async () => ({ code: 0, stdout: tmpdir(), stderr: '' })
const here = { tools: { docker }, work: tmpdir() }
const OLDEST = '20261121t013000z-00000001'
const OLDER = '20261122t013000z-00000002'
const OTHERS = '20261123t013000z-00000003'

it('a backup that has lost a part is refused by the plan, which names the newest whole one of its server', async () => {
  const lacking = (id: string) => stored(id).slice(1)
  const planned = async (...snapshots: Tagged[]) => {
    const arranged = arrange(snapshots)
    const backups = [...arranged.complete, ...arranged.lacking].sort((a, b) => (a.id < b.id ? 1 : -1))
    const backup = backups.find(({ id }) => id === contents.id)
    const request = { ...here, target: { kind: 'study', study: '1.2', directory: '/nowhere' } }
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

const SIDE = contents.id.replaceAll(/\W/g, '')
const BEFORE = `reports_before_${SIDE}`

/** A plan to restore `reports` over what a database holds. */
async function planReports(memory: MemoryDatabase, typed: string | null) {
  const backups = arrange(stored(contents.id)).complete
  const request = { ...here, target: { kind: 'collection', collection: 'reports' }, typed }
  const live = { db: () => memory.db }
  const { database } = contents
  const session = { request, backup: backups[0], contents, backups, database, live } as unknown as RestoreSession
  return planOf(session)
}

it('a swap that was cut between its renames is said by the next plan, with what brings the live one back', async () => {
  await using memory = await MemoryDatabase.start()
  memory.hold(BEFORE)
  memory.hold(`reports_restored_${SIDE}`)
  const plan = await planReports(memory, null)
  expect(plan.refusals).toEqual([
    `reports is away since a swap that was cut: type db.${BEFORE}.renameCollection("reports") in mongosh for side, which brings it back`,
  ])
  expect(plan.steps).not.toContainEqual(expect.stringMatching(/there is none now/))
})

it('a second swap from the same backup is refused by its plan, and by itself before documents can expire', async () => {
  await using memory = await MemoryDatabase.start()
  const restored = `reports_restored_${SIDE}`
  for (const name of ['reports', BEFORE, restored]) memory.hold(name)
  const kept = `${BEFORE} is there already, from another restore of this backup: it holds reports as it was before`
  const refusals = [expect.stringContaining(kept)]
  expect(await planReports(memory, 'reports')).toMatchObject({ refusals })
  expect(await planReports(memory, 'reports')).not.toMatchObject({ refusals: [expect.stringMatching(/drop/)] })
  expect(await planReports(memory, null)).toMatchObject({ refusals: [] })

  const ttl = new HeldTtl()
  ttl.hold(restored, [{ name: 'ttl', expireAfterSeconds: 60 }])
  await expect(swapIn(memory.db, restored, 'reports', contents.id, ttl)).rejects.toMatchObject({
    kind: 'refused',
    message: expect.stringContaining(kept),
  })
  expect(memory.commands).toEqual([])
  memory.collections.delete(BEFORE)
  await swapIn(memory.db, restored, 'reports', contents.id, ttl)
  expect(memory.commands).toEqual(['collMod', 'renameCollection', 'renameCollection'])
})
