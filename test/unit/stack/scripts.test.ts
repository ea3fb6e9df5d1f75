import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { expect, it } from 'vitest'
import { tryRun } from '../../../src/lib/index.ts'

const stack = join(import.meta.dirname, '../../../deployment/production')
const folders = ['scripts', 'migrations'].map((name) => join(stack, name))
const scripts = (
  await Promise.all(
    folders.map(async (folder) =>
      (await readdir(folder)).filter((name) => name.endsWith('.sh')).map((name) => join(folder, name)),
    ),
  )
).flat()

it.each(scripts.map((script) => [basename(script), script]))(
  '%s says by --help what it is for, and does nothing',
  async (name, script) => {
    const cwd = await mkdtemp(join(tmpdir(), 'pacs-scripts-'))
    try {
      const { code, stdout, stderr } = await tryRun('sh', [script, '--help'], { cwd, env: { PATH: '/usr/bin:/bin' } })
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      expect(stdout).toMatch(new RegExp(`^usage: ${name} `))
      expect(await readdir(cwd)).toEqual([])
    } finally {
      await rm(cwd, { recursive: true, force: true })
    }
  },
)

it('has six scripts for people', () => {
  expect(scripts).toHaveLength(6)
})
