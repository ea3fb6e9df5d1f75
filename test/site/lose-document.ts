import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import type { Machine } from '../lab/index.ts'

const REPOSITORY = ['-r', '/opt/pacs/backups/repository', '-p', '/opt/pacs/config/next/secrets/restic-password']
const snapshotsSchema = z.array(z.object({ id: z.string(), tags: z.array(z.string()), paths: z.array(z.string()) }))
/** Takes the last document of a dump away. */
const CUT = `const { readFileSync, truncateSync } = require('node:fs')
const file = process.argv[1], bytes = readFileSync(file)
let last = 0
for (let at = 0; at < bytes.length; at += bytes.readInt32LE(at)) last = at
truncateSync(file, last)`

/**
 * Stores another backup on a server that says of itself what `id` does, and lacks one document of `collection`: what a fault of
 * ours, or of the disk before restic, would leave. It holds no images. @returns its id
 */
export async function loseDocument(server: Machine, id: string, collection: string): Promise<string> {
  const restic = (...args: string[]) =>
    server.run(['/opt/pacs/bin/restic', ...REPOSITORY, '--no-cache', ...args], { user: 'pacs' })
  const snapshots = snapshotsSchema.parse(JSON.parse(await restic('snapshots', '--json', '--tag', `id=${id}`)))
  const part = (name: string) => {
    const found = snapshots.find(({ tags }) => tags.includes(`part=${name}`))
    if (found === undefined) throw new Error(`the backup ${id} has no part ${name}`)
    return { snapshot: found.id, path: found.paths[0] ?? '', tags: found.tags }
  }
  const [work, contents] = [part('work'), part('contents')]
  const folder = (await server.run(['mktemp', '-d', '/opt/pacs/backups/lost-XXXXXX'], { user: 'pacs' })).trim()
  await restic('restore', work.snapshot, '--target', folder)
  const staged = `${folder}${work.path}`
  await server.run(['/opt/pacs/bin/node', '-e', CUT, `${staged}/database/pacs/${collection}.bson`], { user: 'pacs' })
  const said = z
    .looseObject({ host: z.string() })
    .parse(JSON.parse(await restic('dump', contents.snapshot, contents.path)))
  const now = new Date().toISOString().slice(0, 19).replaceAll(/[-:]/g, '').toLowerCase()
  const other = `${now}z-${randomBytes(4).toString('hex')}`
  const file = `${folder}/contents.json`
  const text = JSON.stringify({ ...said, id: other, archives: [] })
  await server.run(['tee', file], { user: 'pacs', input: text })
  const tags = (kept: readonly string[]) =>
    kept.flatMap((tag) => ['--tag', tag.startsWith('id=') ? `id=${other}` : tag])
  await restic('backup', '--host', said.host, ...tags(work.tags), staged)
  await restic('backup', '--host', said.host, ...tags(contents.tags), file)
  await server.run(['rm', '-rf', folder])
  return other
}
