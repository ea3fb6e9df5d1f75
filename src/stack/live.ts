import { statSync } from 'node:fs'
import { join } from 'node:path'
import { isConfigPath, isRelative, normalised } from './paths.ts'
import type { Stack, StackService } from './stack.ts'

/** A folder of the stack that a service mounts, and where the service sees it. */
export interface LiveDirectory {
  path: string
  target: string
}

/**
 * The mounted folders whose files a service takes up anew on the signal `x-pacs.reload`; none without it. A file that is mounted
 * alone is no part of them: inside a running container it stays what it was, whatever is renamed over it.
 */
export function liveDirectories(stack: Stack, { pacs, definition }: StackService): LiveDirectory[] {
  if (pacs.reload === undefined) return []
  return (definition.volumes ?? []).flatMap(({ type, source, target }) => {
    if (type !== 'bind' || source === undefined || target === undefined || !isRelative(source)) return []
    const path = normalised(source)
    const found = isConfigPath(path) ? undefined : statSync(join(stack.directory, path), { throwIfNoEntry: false })
    return found?.isDirectory() ? [{ path, target }] : []
  })
}
