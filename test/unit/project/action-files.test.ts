import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { aliasOf, findActions, findAliases, missingFiles, parseActionFile } from '../../../scripts/action-files.ts'

const ACTION = `name: Deploy
description: Brings a release to a server
inputs:
  release:
    description: The release by digest
    required: true
runs:
  using: node24
  main: ../../dist/deploy/index.js
  post: ../../dist/deploy/post.js
  post-if: always()
`

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'pacs-deploy-actions-'))
})
afterEach(() => rm(root, { recursive: true }))

async function lay(files: Record<string, string>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), text)
  }
}

describe('findActions', () => {
  it('finds an action with its entry, and whether it has a post step', async () => {
    await lay({ 'actions/deploy/action.yml': ACTION, 'actions/deploy/README.md': '', 'src/actions/deploy.ts': '' })
    expect(await findActions(root)).toEqual([expect.objectContaining({ name: 'deploy', hasPost: true, text: ACTION })])
  })

  it('refuses a repository without any action', async () => {
    await expect(findActions(root)).rejects.toMatchObject({ kind: 'bad-input' })
  })

  it('says everything that is missing at once', async () => {
    await lay({ 'actions/deploy/action.yml': ACTION, 'actions/push/README.md': '' })
    await expect(findActions(root)).rejects.toThrow(
      /deploy has no actions\/deploy\/README\.md\n.*deploy has no src\/actions\/deploy\.ts\n.*push has no actions\/push\/action\.yml/,
    )
  })

  it('refuses a main that is not the stub of that name', async () => {
    const text = ACTION.replace('dist/deploy/index.js', 'dist/push/index.js')
    await lay({ 'actions/deploy/action.yml': text, 'actions/deploy/README.md': '', 'src/actions/deploy.ts': '' })
    await expect(findActions(root)).rejects.toThrow('runs.main is not ../../dist/deploy/index.js')
  })
})

describe('parseActionFile', () => {
  it.each([
    ['an unknown key', ACTION.replace('post-if', 'post_if'), 'post_if'],
    ['an input that is not kebab-case', ACTION.replace('  release:', '  releaseRef:'), 'releaseRef'],
    [
      'an input without description',
      ACTION.replace('description: The release by digest', 'default: x'),
      'inputs.release',
    ],
    ['an old runtime', ACTION.replace('node24', 'node20'), 'runs'],
  ])('refuses %s and names it', (_what, text, named) => {
    expect(() => parseActionFile('x/action.yml', text)).toThrow(named)
  })
})

describe('missingFiles', () => {
  it('resolves what an action.yml names from where it lies', () => {
    const present = new Set(['dist/deploy/index.js'])
    const missing = missingFiles('actions/deploy/action.yml', parseActionFile('x', ACTION), (path) => present.has(path))
    expect(missing).toEqual(['dist/deploy/post.js'])
  })
})

describe('an alias', () => {
  it('is the same action one folder higher, and is found again by its header', async () => {
    await lay({ 'actions/deploy/action.yml': ACTION, 'actions/deploy/README.md': '', 'src/actions/deploy.ts': '' })
    const [action] = await findActions(root)
    if (action === undefined) throw new Error('no action')
    const alias = aliasOf(action)
    await lay({ 'deploy/action.yml': alias, 'own/action.yml': ACTION })
    const { runs, ...rest } = parseActionFile('deploy/action.yml', alias)
    expect(runs).toMatchObject({ main: '../dist/deploy/index.js', post: '../dist/deploy/post.js' })
    const { runs: _runs, ...original } = action.file
    expect(rest).toEqual(original)
    expect(await findAliases(root)).toEqual(['deploy/action.yml'])
  })
})
