import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { renderConfig, renderKnownHosts } from '../../../src/ssh/config.ts'
import { targetSchema } from '../../../src/ssh/index.ts'
import { ED25519, RSA } from './keys.ts'

/** What the installed ssh makes of a generated configuration. */
function effective(config: string, host: string): Map<string, string> {
  const directory = mkdtempSync(join(tmpdir(), 'pacs-config-'))
  try {
    writeFileSync(join(directory, 'config'), config)
    const text = execFileSync('ssh', ['-G', '-F', 'config', '--', host], { cwd: directory, encoding: 'utf8' })
    return new Map(text.split('\n').map((line) => [line.split(' ')[0] ?? '', line.slice(line.indexOf(' ') + 1)]))
  } finally {
    rmSync(directory, { recursive: true })
  }
}

const jump = { host: 'gate.example.org', port: 2200, user: 'gate', 'host-keys': [RSA] }
const target = targetSchema.parse({ host: '10.0.0.5', user: 'pacs', 'host-keys': [ED25519], jump })

describe('generated ssh configuration', () => {
  it.each(['pacs-server', 'pacs-jump'])('leaves nothing on that was not asked for, as ssh reads it for %s', (host) => {
    const options = Object.fromEntries(effective(renderConfig(target), host))
    expect(options).toMatchObject({
      batchmode: 'yes',
      stricthostkeychecking: 'true',
      userknownhostsfile: 'known_hosts',
      globalknownhostsfile: '/dev/null',
      updatehostkeys: 'false',
      checkhostip: 'no',
      verifyhostkeydns: 'false',
      identitiesonly: 'yes',
      identityfile: 'key',
      identityagent: 'none',
      forwardagent: 'no',
      forwardx11: 'no',
      clearallforwardings: 'yes',
      permitlocalcommand: 'no',
      passwordauthentication: 'no',
      kbdinteractiveauthentication: 'no',
      preferredauthentications: 'publickey',
      requesttty: 'false',
      connecttimeout: '10',
      serveraliveinterval: '5',
      serveralivecountmax: '3',
    })
    expect(options).not.toHaveProperty('sendenv')
  })

  it('reaches the server through the jump host, each by its own name among the host keys', () => {
    const config = renderConfig(target)
    const server = effective(config, 'pacs-server')
    expect(server.get('hostname')).toBe('10.0.0.5')
    expect(server.get('proxyjump')).toBe('pacs-jump')
    expect(server.get('hostkeyalias')).toBe('pacs-server')
    const gate = effective(config, 'pacs-jump')
    expect([gate.get('hostname'), gate.get('port'), gate.get('user')]).toEqual(['gate.example.org', '2200', 'gate'])
    expect(gate.get('hostkeyalias')).toBe('pacs-jump')
    expect(renderKnownHosts(target)).toBe(`pacs-server ${ED25519}\npacs-jump ${RSA}\n`)
  })
})
