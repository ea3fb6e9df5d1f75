import { expect, it } from 'vitest'
import { INSTALLATION, writeInstallation } from '../../../src/agent/setup/installation.ts'
import { file } from '../../../src/agent/setup/items.ts'
import { hashOf, SetupRecord } from '../../../src/agent/setup/record.ts'
import { applyStep } from '../../../src/agent/setup/step.ts'
import { MemoryHost } from './memory-host.ts'

it('the record of an installation says who may deploy, what was chosen, and each file as it lies there now, root alone reads it', async () => {
  const host = new MemoryHost()
  host.answer = (command) => (command.startsWith('docker version') ? '26.1.5\n' : undefined)
  host.put('/etc/os-release', 'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\n')
  const items = () => [file('/etc/pacs-agent/one', 'as set up', 0o640), file('/etc/pacs-agent/two', 'SENTINEL', 0o600)]
  await applyStep({ id: 'files', title: 'files', items }, host, new SetupRecord(host), () => undefined)
  host.put('/etc/pacs-agent/one', 'edited by hand', 0o644, { uid: 7, gid: 8 })
  host.files.delete('/etc/pacs-agent/two')

  const key = Buffer.alloc(51, 7)
  const installed = {
    agent: Buffer.from('the agent'),
    keys: [{ name: 'ci', key: `ssh-ed25519 ${key.toString('base64')}` }],
    choices: { without: ['audit'], open: [{ port: 443, sources: [] }], mongodb: 8 },
    steps: [{ id: 'files', title: 'files', state: 'ok' as const, details: [] }],
  }
  await writeInstallation(host, new SetupRecord(host), installed, new Date(0))

  const text = host.text(INSTALLATION) ?? ''
  expect(JSON.parse(text)).toEqual({
    schema: 1,
    at: '1970-01-01T00:00:00.000Z',
    system: 'Debian GNU/Linux 13 (trixie)',
    kernel: null,
    docker: '26.1.5',
    compose: null,
    agent: { version: expect.stringMatching(/^\d+\./), sha256: hashOf('the agent') },
    keys: [{ name: 'ci', sha256: hashOf(key) }],
    choices: installed.choices,
    steps: [{ id: 'files', state: 'ok', details: [] }],
    files: [{ path: '/etc/pacs-agent/one', sha256: hashOf('edited by hand'), mode: '644', uid: 7, gid: 8 }],
  })
  expect(host.files.get(INSTALLATION)?.mode).toBe(0o600)
  expect(text).not.toMatch(/SENTINEL|edited by hand/)
})
