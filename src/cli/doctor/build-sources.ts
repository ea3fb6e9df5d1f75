import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Stack } from '../../stack/index.ts'
import type { Note } from './remark.ts'

/** Whether what the Dockerfiles of a stack copy is there, since a build says that only after minutes, and of one file at a time. */
export async function examineBuilds(stack: Stack, directory: string, note: Note): Promise<void> {
  for (const { name, build } of stack.services.values()) {
    if (!build) continue
    const context = join(directory, build.context)
    const dockerfile = join(context, build.dockerfile)
    const text = await readFile(dockerfile, 'utf8').catch(() => null)
    if (text === null) {
      note(
        'missing',
        `${name} is built by ${join(build.context, build.dockerfile)}, which is not there`,
        'pacs-deploy init',
      )
      continue
    }
    for (const source of sourcesOf(text).filter((path) => !existsSync(join(context, path)))) {
      note(
        'missing',
        `the build of ${name} copies ${source}, which is not there`,
        'your app, or pacs-deploy init --reference-app',
      )
    }
  }
}

/** What a Dockerfile copies from its context, without patterns, variables, here-documents and other stages. */
export function sourcesOf(dockerfile: string): string[] {
  const lines = dockerfile.replaceAll(/\\\r?\n/g, ' ').split('\n')
  const sources = lines.flatMap((line) => {
    const words = /^\s*(?:COPY|ADD)\s+(.*)$/i.exec(line)?.[1]?.trim().split(/\s+/) ?? []
    if (words.some((word) => word.startsWith('--from'))) return []
    return words.filter((word) => !word.startsWith('--')).slice(0, -1)
  })
  return [...new Set(sources.filter((path) => /^[\w./-]+$/.test(path)))]
}
