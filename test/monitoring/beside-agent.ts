// The shipped monitoring beside the agent of a server, as docs/monitoring.md starts it.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { type Machine, waitFor } from '../lab/index.ts'
import { statusOf } from '../site/server.ts'
import { loadImages, RECEIVER_URLS, startReceivers } from './site.ts'

/** The jobs that Prometheus scrapes beside an agent. */
export const JOBS = [
  'alertmanager',
  'app',
  'blackbox',
  'dicom',
  'edge',
  'node',
  'orthanc',
  'prometheus',
  'redis',
  'traefik',
] as const

const SCRAPE_LIMIT = 180_000

const targetsSchema = z.object({
  data: z.object({
    activeTargets: z.array(
      z.object({ labels: z.object({ job: z.string() }), health: z.string(), lastError: z.string() }),
    ),
  }),
})
export type Target = z.infer<typeof targetsSchema>['data']['activeTargets'][number]

/** Gives what is a person's to give, and runs the page's block. Grafana cannot be had in the lab. */
export async function startBesideAgent(server: Machine): Promise<void> {
  await loadImages(server)
  for (const [name, url] of RECEIVER_URLS) await giveSecret(server, name, url)
  await giveSecret(server, 'alertmanager-smtp-password', 'not asked for')
  const block = await pageBlock('Beside an agent')
  const { serving } = await statusOf(server)
  const text = block.replace('<release>', serving?.release ?? '').replace(' grafana', '')
  const { code, stderr } = await server.exec(['bash', '-euc', text], { cwd: '/root' })
  if (code !== 0) throw new Error(`${text}\nended with ${code}: ${stderr}`)
  const api = await server.run(['docker', 'ps', '--quiet', '--filter', 'name=-backend-'])
  await startReceivers(
    server,
    await server.run(['docker', 'inspect', '--format', '{{.Image}}', api.split('\n')[0] ?? '']),
  )
}

/** The block of docs/monitoring.md below the paragraph that begins with `words`. */
export async function pageBlock(words: string): Promise<string> {
  const page = await readFile(join(import.meta.dirname, '../../docs/monitoring.md'), 'utf8')
  const block = new RegExp(`^${words} .*?\\n\\n((?: {4}[^\\n]*\\n)+)`, 'ms').exec(page)?.[1]
  if (block === undefined) throw new Error(`docs/monitoring.md has no block "${words}"`)
  return block
}

/** What Prometheus scrapes once it has met every job and all of them answer, or what it scrapes at the end of its patience. */
export async function targetsOf(server: Machine): Promise<Target[]> {
  let targets: Target[] = []
  await waitFor(
    'every target to be scraped',
    async () => {
      const { stdout } = await server.exec(['curl', '-sS', 'http://127.0.0.1:9090/api/v1/targets?state=active'])
      targets = stdout === '' ? [] : targetsSchema.parse(JSON.parse(stdout)).data.activeTargets
      return targets.length >= JOBS.length && targets.every(({ health }) => health === 'up')
    },
    SCRAPE_LIMIT,
  ).catch(() => undefined)
  return targets
}

async function giveSecret(server: Machine, name: string, content: string): Promise<void> {
  const path = `/opt/pacs/config/next/secrets/${name}`
  await server.copyIn(Buffer.from(content), path)
  await server.run(['chown', 'pacs:pacs', path])
}
