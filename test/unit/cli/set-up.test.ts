import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { runCommand } from '../../../src/cli/main.ts'
import { ED25519 } from '../ssh/keys.ts'

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

it('set-up pins no host key that is still the example, and names the environments file where it pins one of it', async () => {
  const root = await mkdtemp(join(tmpdir(), 'pacs-set-up-'))
  const put = async (path: string, text: string) => {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), text, { mode: 0o755 })
  }
  const before = process.cwd()
  const environments = await readFile(join(before, 'deployment/environments.yml'), 'utf8')
  try {
    await put('bin/ssh', '#!/bin/sh\necho "$*" >>argv\necho "Host key verification failed." >&2\nexit 255\n')
    await put('deployment/production/scripts/setup-production.sh', '')
    await put('dist/agent/index.js', '')
    await put('deployment/environments.yml', environments)
    process.chdir(root)
    const console = { print: () => undefined, aside: () => undefined, root }
    const env = { PATH: `${join(root, 'bin')}:${process.env.PATH}` }
    const setUp = () => runCommand(['setup', 'root@staging.pacs.example.org', '--check'], { ...console, env })
    await expect(setUp()).rejects.toThrow(/ is not the known one \(Host key verification failed\.\): give it by --host/)
    expect(await readFile('argv', 'utf8')).not.toContain('HostKeyAlias')
    await put('deployment/environments.yml', environments.replace(/- ssh-ed25519 \S+/, `- ${ED25519}`))
    await expect(setUp()).rejects.toThrow(
      / is not the one in deployment\/environments\.yml \(.*\): correct it there, or/,
    )
    expect(await readFile('argv', 'utf8')).toContain('HostKeyAlias')
  } finally {
    process.chdir(before)
    await rm(root, { recursive: true })
  }
})
