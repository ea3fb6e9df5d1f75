import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Note } from './remark.ts'

const WORKFLOWS = '.github/workflows'
/** Without these nothing is deployed; the others are a team's choice. */
export const NEEDED_WORKFLOWS = ['release.yml', 'deploy-environment.yml', 'rollback.yml']

/** Where the examples have it, until somebody writes where the suite lies. */
const PLACEHOLDER = /\buses: *['"]?org\/pacs-deploy\b/
/** What uses the suite or calls a workflow that does; the secret tells a suite that lies under another name. */
const OURS = /\buses: .*\/(?:pacs-deploy\b|deploy-environment\.yml)|\bssh-key: .*\bsecrets\.SSH_KEY\b/

/** Looks at the workflows of the checkout in `directory`: whether those by the names of ours are ours, and reach the suite. */
export async function examineWorkflows(directory: string, note: Note): Promise<void> {
  const folder = join(directory, WORKFLOWS)
  const names = (await readdir(folder).catch(() => [])).filter((name) => /\.ya?ml$/.test(name)).sort()
  const texts = await Promise.all(
    names.map(async (name) => [name, await readFile(join(folder, name), 'utf8')] as const),
  )
  for (const [name, text] of texts) {
    if (!NEEDED_WORKFLOWS.includes(name) || OURS.test(text)) continue
    note(
      'missing',
      `${WORKFLOWS}/${name} is another workflow: it deploys nothing by pacs-deploy`,
      'rename it, then: pacs-deploy init',
    )
  }
  const examples = texts.filter(([, text]) => PLACEHOLDER.test(text)).map(([name]) => name)
  if (examples.length > 0) {
    note(
      'missing',
      `${WORKFLOWS}: org/pacs-deploy is still the example in ${examples.join(', ')}`,
      'write there in which repository of yours pacs-deploy lies, like hospital/pacs-deploy',
    )
  }
}
