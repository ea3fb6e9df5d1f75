import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { replaceFile } from '../../lib/index.ts'
import type { LiveFiles } from '../transaction/core-definition.ts'
import { type KeptDefinition, openModes } from './core-files.ts'

/** The folder, beside the versions of its content, that a service with `x-pacs.reload` mounts as long as it runs. */
export const LIVE = 'live'

/** The live folders of a core service; `directory` is `stack/<service>`, where each version of them is kept by its hash. */
export function liveFiles(
  directory: string,
  version: string,
  { signal, mounts }: NonNullable<KeptDefinition['live']>,
): LiveFiles {
  return {
    signal,
    version,
    async place(wanted) {
      for (const { path } of mounts) {
        const live = join(directory, LIVE, path)
        const files = await readFiles(join(directory, wanted, path))
        for (const [name, content] of files) {
          const file = join(live, name)
          if (content.equals(await readFile(file).catch(() => Buffer.of(0)))) continue
          await mkdir(dirname(file), { recursive: true, mode: 0o755 })
          // Only the rename may be seen in the mounted folder: some services watch it.
          await replaceFile(file, content, 0o444, directory)
        }
        await mkdir(live, { recursive: true, mode: 0o755 })
        for (const name of (await readFiles(live)).keys()) if (!files.has(name)) await rm(join(live, name))
        await openModes(live)
      }
    },
    async seen(wanted) {
      const all = mounts.map(async ({ path, target }) =>
        [...(await readFiles(join(directory, wanted, path)))].map(
          ([name, content]) => [join(target, name), content.toString()] as const,
        ),
      )
      return new Map((await Promise.all(all)).flat())
    },
  }
}

/** Every file below a folder, by its path in it. */
async function readFiles(folder: string): Promise<Map<string, Buffer>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const read = files.sort().map(async (file) => [relative(folder, file), await readFile(file)] as const)
  return new Map(await Promise.all(read))
}
