import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { runCommand } from '../../../src/cli/main.ts'

it('set-up gives the answer of the server alone to what reads it, and says the rest beside it', async () => {
  const root = await mkdtemp(join(tmpdir(), 'pacs-set-up-'))
  const put = async (path: string, text: string) => {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), text, { mode: 0o755 })
  }
  try {
    // A server without a network: the remote command runs here, and sees itself as root.
    await put('bin/ssh', '#!/bin/sh\nfor command; do :; done\nexec sh -c "$command"\n')
    await put('bin/id', '#!/bin/sh\necho 0\n')
    const script = 'echo "fetching" >&2\nfor one; do [ "$one" != --json ] || echo \'{"steps":[]}\'; done\n'
    await put('deployment/production/scripts/setup-production.sh', script)
    await put('dist/agent/index.js', '')
    const [printed, said]: [string[], string[]] = [[], []]
    const env = { PATH: `${join(root, 'bin')}:${process.env.PATH}` }
    const console = { print: (line: string) => void printed.push(line), aside: (line: string) => void said.push(line) }
    const code = await runCommand(['setup', 'root@server.test', '--check', '--json'], { ...console, root, env })
    expect([code, printed]).toEqual([0, ['{"steps":[]}']])
    expect(said).toEqual(expect.arrayContaining(['setting server.test up as root', 'fetching']))
    expect(said.join('\n')).toContain('host key for deployment/environments.yml: ')
  } finally {
    await rm(root, { recursive: true })
  }
})
