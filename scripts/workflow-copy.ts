import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

/**
 * Lays a user's repository into `directory`: `workflows` under .github/workflows with every `org/pacs-deploy/<action>@<ref>`
 * as the local `./<action>`, and the actions that they name. Only against local actions are inputs and outputs checked.
 * @param paths of this repository: `workflows` and the `action.yml` files.
 */
export async function layWorkflows(
  root: string,
  directory: string,
  paths: { workflows: readonly string[]; actions: readonly string[] },
): Promise<void> {
  await mkdir(join(directory, '.git'), { recursive: true })
  await mkdir(join(directory, '.github', 'workflows'), { recursive: true })
  await symlink(join(root, 'dist'), join(directory, 'dist'))
  for (const path of paths.workflows) {
    const text = await readFile(join(root, path), 'utf8')
    await writeFile(join(directory, '.github', 'workflows', basename(path)), toLocalActions(text))
  }
  for (const path of paths.actions) {
    await mkdir(dirname(join(directory, path)), { recursive: true })
    await cp(join(root, path), join(directory, path))
  }
}

/** `text` with every action of this suite as a local one. */
export function toLocalActions(text: string): string {
  return text.replaceAll(
    /(uses:\s*)org\/pacs-deploy(\/[\w/-]+)?@[\w.-]+/g,
    (_all, uses: string, path?: string) => `${uses}.${path ?? '/'}`,
  )
}
