import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** A fenced block of a page. */
export interface Block {
  /** What stands behind the fence, like `js`; empty when nothing does. */
  language: string
  text: string
  /** The line of its fence. */
  line: number
}

/** Every fenced block of `markdown`, in order. @throws Error when a fence is not closed */
export function fencedBlocks(markdown: string): Block[] {
  const blocks: Block[] = []
  let open: (Block & { lines: string[] }) | null = null
  for (const [index, line] of markdown.split('\n').entries()) {
    const fence = /^\s*```(.*)$/.exec(line)
    if (fence === null) open?.lines.push(line)
    else if (open === null) open = { language: fence[1]?.trim() ?? '', text: '', line: index + 1, lines: [] }
    else {
      const { language, line: start, lines } = open
      blocks.push({ language, text: `${lines.join('\n')}\n`, line: start })
      open = null
    }
  }
  if (open !== null) throw new Error(`the fence of line ${open.line} is not closed`)
  return blocks
}

/** The text of a page of `docs/`. */
export function readPage(name: string): Promise<string> {
  return readFile(join(import.meta.dirname, '../../docs', name), 'utf8')
}
