import { Failure, type FailureKind } from '../lib/index.ts'

interface Cause {
  /** restic's exit code where it has one of its own (0.17 and later). */
  code?: number
  says: RegExp
  kind: FailureKind
  means: string
}

const DISK_FULL = 'the disk is full'

const CAUSES: readonly (Cause & { missing?: true; credentials?: true })[] = [
  {
    // The second is a REST server's, the third MinIO's, the last B2's; a quota is a file system's, or MinIO's too.
    says: /no space left on device|insufficient storage|reached its minimum free|quota exceeded|storage cap exceeded/i,
    kind: 'error',
    means: `cannot be written, or what comes from it: ${DISK_FULL}; free some room and ask again`,
  },
  {
    code: 12,
    says: /wrong password or no key found/i,
    kind: 'refused',
    means:
      'does not open with this password: put the right one into the secret restic-password; one that this server made ' +
      'with another by mistake, and that holds no backup which is wanted, may be moved away',
  },
  {
    // Its code 11 also comes where the lock could not be written.
    says: /repository is already locked/i,
    kind: 'locked',
    means: 'is locked by another restic: ask again when it has ended',
  },
  {
    // Before the next: restic asks after these too whether there is a repository.
    says: /access denied|access key id you provided|signature we calculated|no credentials found|unexpected HTTP response \(40[13]\)/i,
    kind: 'refused',
    means: 'refused the credentials of its store: put the right ones into .env',
    credentials: true,
  },
  {
    code: 10,
    says: /is there a repository at the following location|repository does not exist|config.*no such file/i,
    kind: 'unreachable',
    means: 'is not there (is its disk mounted?)',
    missing: true,
  },
  {
    says: /dial tcp|connection refused|no such host|i\/o timeout|ssh command exited|unable to start the sftp session|connection (timed out|reset)|host key verification failed|permission denied \(publickey/i,
    kind: 'unreachable',
    means: 'cannot be reached',
  },
  {
    says: /ciphertext verification failed|hash mismatch|does not match|unexpected EOF|pack .* (contains|damaged|not found)|repository contains errors|the repository .*damaged|tree .* not found|invalid data returned|not found in index|wrong data|is damaged|decrypting|does not exist in|ReadFull\(<\w+\/\w+>\).*(no such file|too short|input\/output error)/i,
    kind: 'unhealthy',
    means: 'is damaged',
  },
]

/** What a killed process ends with: 128 + SIGKILL. */
const KILLED = 137

/**
 * @param otherwise what an exit means that says nothing known
 * @returns what an exit of restic means, as one line; `missing` when there is no repository yet
 */
export function resticFailure(
  where: string,
  code: number,
  output: string,
  otherwise: FailureKind = 'error',
): { failure: Failure; missing: boolean } {
  const cause = CAUSES.find((one) => one.says.test(output)) ?? CAUSES.find((one) => one.code === code)
  const said = lastWords(output)
  if (cause === undefined && code === KILLED) {
    const why = 'it was killed, by hand or for want of memory (journalctl -k tells): ask again'
    return { failure: new Failure('error', `restic ended with ${code} on ${where}: ${why}`), missing: false }
  }
  if (cause === undefined) {
    return { failure: new Failure(otherwise, `restic ended with ${code} on ${where}: ${said}`), missing: false }
  }
  const detail = cause.kind === 'unreachable' || cause.kind === 'unhealthy' ? `: ${said}` : ''
  return {
    failure: new Failure(cause.kind, `the repository ${where} ${cause.means}${detail}`),
    missing: cause.missing === true,
  }
}

/** Whether it failed for want of room: in the repository, or here in what it unpacks into. */
export function isDiskFull({ message }: Failure): boolean {
  return message.includes(DISK_FULL)
}

/** restic's exit code for a backup that it stored without some files. */
const INCOMPLETE = 3

/** Whether `restic backup --json` missed nothing but files that were deleted while it read them. */
export function onlyVanished(code: number, stderr: string): boolean {
  if (code !== INCOMPLETE) return false
  const errors = stderr.split('\n').filter((line) => line.includes('"message_type":"error"'))
  return errors.length > 0 && errors.every((line) => line.includes('no such file or directory'))
}

/** The refusal of a store that does not take these credentials, which restic tries again for minutes; null for any other line. */
export function refusalOfCredentials(where: string, line: string): Failure | null {
  const cause = CAUSES.find(({ credentials, says }) => credentials === true && says.test(line))
  return cause === undefined ? null : new Failure(cause.kind, `the repository ${where} ${cause.means}`)
}

/** What restic says is fatal, or its last line; in one line. */
function lastWords(output: string): string {
  const lines = output.split('\n').flatMap((line) => plain(line.trim()))
  const fatal =
    lines.find((line) => /^Fatal:/.test(line) && !/There were \d+ errors/.test(line)) ??
    lines.find((line) => /^(ignoring )?error/i.test(line)) ??
    lines.findLast((line) => line !== '') ??
    'it said nothing'
  return fatal.replace(/^Fatal: /, '').slice(0, 300)
}

/** With `--json`, newer versions say so in JSON. */
function plain(line: string): string[] {
  const message = /"message":"((?:[^"\\]|\\.)*)"/.exec(line)?.[1]
  return message === undefined ? [line] : message.split('\\n')
}
