// The blocks of the deployment guide: each says where it runs, or why no test runs it.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Block, fencedBlocks } from './fenced-blocks.ts'

export type GuideBlock = Block & ({ where: 'checkout' | 'server' } | { where: 'nowhere'; because: string })

export const GUIDE = 'deployment/production/DEPLOYMENT_GUIDE.md'

/** Every block of the guide, in order. @throws Error for one without the mark, on the line before it, that says where it runs */
export async function guideBlocks(): Promise<GuideBlock[]> {
  const text = await readFile(join(import.meta.dirname, '../..', GUIDE), 'utf8')
  const lines = text.split('\n')
  return fencedBlocks(text).map((block) => {
    const before = lines[block.line - 2] ?? ''
    const [, place] = /^<!-- run: (checkout|server) -->$/.exec(before) ?? []
    const [, because] = /^<!-- not run: (.{10,}) -->$/.exec(before) ?? []
    if (place === 'checkout' || place === 'server') return { ...block, where: place }
    if (because !== undefined) return { ...block, where: 'nowhere', because }
    throw new Error(`${GUIDE}:${block.line}: the block says neither where it runs nor why no test runs it`)
  })
}
