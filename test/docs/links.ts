// The links of a page: which lead to nothing.
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join, normalize } from 'node:path'

const root = join(import.meta.dirname, '../..')

/** The links of `page`, a path of the repository, whose file, or whose heading in a page, is not there. */
export async function lostLinks(page: string): Promise<string[]> {
  const text = await readFile(join(root, page), 'utf8')
  const targets = [...text.matchAll(/\]\((?!https?:)([^)]+)\)/g)].map(([, target = '']) => target)
  const lost = await Promise.all(
    targets.map(async (target) => {
      const [path = '', heading] = target.split('#')
      const file = path === '' ? page : normalize(join(page, '..', path))
      if (!existsSync(join(root, file))) return true
      return heading !== undefined && !headingsOf(await readFile(join(root, file), 'utf8')).includes(heading)
    }),
  )
  return targets.filter((_, index) => lost[index])
}

/** As GitHub names them in a link. */
function headingsOf(markdown: string): string[] {
  return [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}
