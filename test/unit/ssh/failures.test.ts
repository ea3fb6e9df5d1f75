import { describe, expect, it } from 'vitest'
import { explainConnect, explainSession } from '../../../src/ssh/failures.ts'
import { targetSchema } from '../../../src/ssh/index.ts'
import { ED25519, ED25519_FINGERPRINT, RSA } from './keys.ts'

const plain = targetSchema.parse({ host: 'pacs.example.org', user: 'pacs', 'host-keys': [ED25519] })
const jump = { host: 'gate.example.org', port: 2200, user: 'gate', 'host-keys': [RSA] }
const through = targetSchema.parse({ ...plain, jump })

describe('what ssh said (OpenSSH 9.2)', () => {
  it('names shown and pinned fingerprint of a changed host key, and does not try again', () => {
    const said = `@@@\n@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\nThe fingerprint for the ED25519 key sent by the remote host is\nSHA256:+AelffNAu7l8Ax/43tcRWUv0Gixw/hLVXVdteww8kkk.\nHost key for pacs-server has changed and you have requested strict checking.\nHost key verification failed.`
    const { failure, retry } = explainConnect(said, plain)
    expect(retry).toBe(false)
    expect(failure.kind).toBe('bad-input')
    expect(failure.message).toContain('shows the host key SHA256:+AelffNAu7l8Ax/43tcRWUv0Gixw/hLVXVdteww8kkk')
    expect(failure.message).toContain(`pinned is ${ED25519_FINGERPRINT}`)
  })

  it('says where to read a host key that is not known', () => {
    const said =
      'No ECDSA host key is known for pacs-server and you have requested strict checking.\nHost key verification failed.'
    const { failure, retry } = explainConnect(said, plain)
    expect(retry).toBe(false)
    expect(failure.message).toMatch(/^the host key of pacs\.example\.org is not known \(it shows a key of type ECDSA\)/)
  })

  it('never tries a refused key again, and names the machine that refused it', () => {
    const refused = 'pacs@pacs.example.org: Permission denied (publickey).'
    expect(explainConnect(refused, plain)).toMatchObject({ retry: false, failure: { kind: 'bad-input' } })
    expect(explainConnect(refused, through).failure.message).toMatch(
      /^pacs\.example\.org refused the SSH key for user pacs/,
    )
    const gate = 'gate@gate.example.org: Permission denied (publickey).\nConnection closed by UNKNOWN port 65535'
    expect(explainConnect(gate, through).failure.message).toMatch(
      /^jump host gate\.example\.org:2200 refused the SSH key for user gate/,
    )
  })

  it.each([
    'ssh: connect to host pacs.example.org port 22: Connection refused',
    'ssh: connect to host pacs.example.org port 22: Connection timed out',
    'ssh: Could not resolve hostname pacs.example.org: Name or service not known',
    'kex_exchange_identification: Connection closed by remote host',
    '',
  ])('tries again after %j', (said) => {
    expect(explainConnect(said, plain)).toMatchObject({ retry: true, failure: { kind: 'unreachable' } })
  })

  it('tells a server without agent from a session that broke', () => {
    expect(explainSession(127, 'bash: line 1: pacs-agent: command not found', plain)).toMatchObject({
      kind: 'bad-input',
    })
    expect(explainSession(255, 'client_loop: send disconnect: Broken pipe', plain)).toBeUndefined()
    expect(explainSession(0, '', plain)).toBeUndefined()
    expect(explainSession(50, 'no agent listens', plain)).toMatchObject({ kind: 'unreachable' })
  })
})
