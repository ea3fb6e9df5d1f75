import { describe, expect, it } from 'vitest'
import { onlyVanished, resticFailure } from '../../../src/backup/restic-failures.ts'

const failure = (code: number, output: string, otherwise?: 'unhealthy') =>
  resticFailure('/backups', code, output, otherwise)

describe('what restic says', () => {
  it.each([
    [
      12,
      'Fatal: wrong password or no key found',
      'refused',
      /does not open with this password: put the right one .*; one that this server made with another by mistake, .* may be moved away/,
    ],
    [
      11,
      'unable to create lock in backend: repository is already locked by PID 7 on s1',
      'locked',
      /is locked by another restic/,
    ],
    [
      10,
      'Fatal: repository does not exist: unable to open config file',
      'unreachable',
      /is not there \(is its disk mounted\?\)/,
    ],
    [11, 'unable to create lock in backend: write /r/locks/ab: no space left on device', 'error', /the disk is full/],
    [11, 'unable to create lock in backend: open /r/locks/ab: permission denied', 'error', /permission denied/],
    [1, 'Fatal: unable to save snapshot: write /r/data/ab: no space left on device', 'error', /the disk is full/],
    [1, 'Fatal: server response unexpected: 507 Insufficient Storage (507)', 'error', /the disk is full/],
    [1, 'Fatal: unable to save snapshot: Bucket quota exceeded', 'error', /the disk is full/],
    [
      1,
      'Fatal: b2_upload_file: 403: Cannot upload files, storage cap exceeded. See the Caps & Alerts page',
      'error',
      /the disk is full/,
    ],
    [
      1,
      'Fatal: Get "https://h/": dial tcp: lookup h: no such host',
      'unreachable',
      /cannot be reached: .*no such host/,
    ],
    [
      1,
      'ciphertext verification failed\nFatal: repository contains errors',
      'unhealthy',
      /is damaged: repository contains errors/,
    ],
    [
      1,
      '{"message_type":"exit_error","code":1,"message":"Fatal: pack ab not found"}',
      'unhealthy',
      /is damaged: pack ab not found/,
    ],
    [
      1,
      'Fatal: unable to open config file: unexpected HTTP response (401): 401 Unauthorized\nIs there a repository at the following location?\nrest:http://h/',
      'refused',
      /refused the credentials of its store: put the right ones into \.env/,
    ],
    [1, 'Fatal: client.BucketExists: Access Denied.', 'refused', /refused the credentials of its store/],
    [1, 'Fatal: s3.getCredentials: no credentials found.', 'refused', /refused the credentials of its store/],
    [
      1,
      'LoadTree(1458) returned error ReadFull(<data/50d8>): open /r/data/50/50d8: no such file or directory',
      'unhealthy',
      /is damaged: LoadTree/,
    ],
    [1, 'Fatal: StreamPack: ReadFull(<data/3d1f>): file is too short', 'unhealthy', /is damaged: StreamPack/],
    [2, '', 'error', /restic ended with 2 on \/backups: it said nothing/],
    [137, '', 'error', /restic ended with 137 on \/backups: it was killed, by hand or for want of memory/],
  ] as const)('with %d and %j is %s', (code, output, kind, message) => {
    expect(failure(code, output).failure).toMatchObject({ kind, message: expect.stringMatching(message) })
    expect(failure(code, output).failure.message).not.toContain('\n')
  })

  it('in words that nobody knows counts as damage where it read what is stored', () => {
    expect(failure(1, 'Fatal: blob too short', 'unhealthy').failure.kind).toBe('unhealthy')
    expect(failure(1, 'Fatal: no space left on device', 'unhealthy').failure.kind).toBe('error')
    // Which says nothing about what is stored.
    expect(failure(137, '', 'unhealthy').failure.kind).toBe('error')
  })

  it('is none where a file went while it was read, and nothing else is missing', () => {
    const error = (message: string) =>
      `{"message_type":"error","error":{"message":"${message}"},"during":"archival","item":"/volumes/orthanc/0b/0b/f231"}`
    // As restic 0.18.1 said it of a file that was removed meanwhile.
    const gone = error(
      'incomplete metadata for /volumes/orthanc/0b/0b/f231: xattr.list /volumes/orthanc/0b/0b/f231: no such file or directory',
    )
    const end = '{"message_type":"exit_error","code":3,"message":"Warning: at least one source file could not be read"}'
    expect(onlyVanished(3, `${gone}\n${gone}\n${end}`)).toBe(true)
    const unread = error('read /volumes/orthanc/0b/0b/f232: input/output error')
    expect(onlyVanished(3, `${gone}\n${unread}\n${end}`)).toBe(false)
    expect(onlyVanished(3, end)).toBe(false)
    expect(onlyVanished(1, gone)).toBe(false)
  })

  it('tells a repository that is not made yet from any other failure', () => {
    expect(failure(10, 'Fatal: repository does not exist').missing).toBe(true)
    expect(failure(12, 'Fatal: wrong password or no key found').missing).toBe(false)
    const refused = 'unexpected HTTP response (403): 403 Forbidden\nIs there a repository at the following location?'
    expect(failure(1, refused).missing).toBe(false)
  })
})
