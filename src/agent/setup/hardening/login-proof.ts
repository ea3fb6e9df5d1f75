// A login over SSH that really happens, with a key that exists for this moment only.
import { join } from 'node:path'
import { Failure } from '../../../lib/index.ts'
import { PROOF_KEY, readKeys, renderKeys } from '../authorized-keys.ts'
import { AUTHORIZED_KEYS } from '../files.ts'
import { type Host, outputOf, system } from '../host.ts'
import { effectiveSettings, sshPorts } from '../sshd.ts'

/** Told by the forced command, so that no other answer can pass for it. */
const PROVEN = 'pacs-setup: this login is proven'
const STATUS = 'GET /v1/status HTTP/1.1\r\nHost: agent\r\nConnection: close\r\n\r\n'

/** The file with a user's keys, as sshd has it; null when there is no such user. */
export async function keysFileOf(host: Host, user: string): Promise<string | null> {
  const home = (await outputOf(host, 'getent', 'passwd', user))?.split(':')[5]
  if (home === undefined) return null
  const [first = '.ssh/authorized_keys'] = ((await effectiveSettings(host, user)).get('authorizedkeysfile') ?? '')
    .split(' ')
    .filter(Boolean)
  const path = first.replaceAll('%h', home).replaceAll('%u', user).replaceAll('%%', '%')
  return path.startsWith('/') ? path : join(home, path)
}

/** Logs in as a user with a key of its file. @throws Failure `error` with what sshd or ssh said */
export async function proveLogin(host: Host, user: string): Promise<void> {
  const path = await keysFileOf(host, user)
  const content = path && (await host.read(path))?.toString()
  if (!path || !content) throw new Failure('error', `${user} has no file of keys`)
  // A line that a cut left behind goes, too.
  const clean = content
    .split('\n')
    .filter((line) => !line.endsWith(PROOF_KEY))
    .join('\n')
  await withKey(host, async (key, publicKey) => {
    const line = `restrict,command="echo '${PROVEN}'" ${publicKey} ${PROOF_KEY}\n`
    await replacing(host, path, `${clean.replace(/\n*$/, '\n')}${line}`, clean, async () => {
      await expectAnswer(host, user, key, '', PROVEN)
    })
  })
}

/** Logs in as a deploy does: the same line in the same file, the forced command, and the agent's answer through it. */
export async function proveAgentLogin(host: Host): Promise<void> {
  const content = (await host.read(AUTHORIZED_KEYS))?.toString() ?? ''
  await withKey(host, async (key, publicKey) => {
    const keys = renderKeys([...readKeys(content), { name: PROOF_KEY, key: publicKey }])
    await replacing(host, AUTHORIZED_KEYS, keys, content, () => expectAnswer(host, 'pacs', key, STATUS, 'HTTP/1.1 200'))
  })
}

async function withKey(host: Host, work: (file: string, publicKey: string) => Promise<void>): Promise<void> {
  const folder = (await system(host, 'mktemp', '--directory', '/run/pacs-setup.XXXXXX')).trim()
  try {
    const key = join(folder, 'key')
    await system(host, 'ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', key)
    const [type = '', body = ''] = (await host.read(`${key}.pub`))?.toString().trim().split(' ') ?? []
    await work(key, `${type} ${body}`)
  } finally {
    await system(host, 'rm', '--recursive', '--force', folder)
  }
}

/** Runs `work` while a file holds `during`; it holds `after` then, with its owner and mode. */
async function replacing(
  host: Host,
  path: string,
  during: string,
  after: string,
  work: () => Promise<void>,
): Promise<void> {
  const status = await host.status(path)
  const put = async (content: string) => {
    // Readable for sshd at every instant: it reads the file as its user, also when this is cut before the owner is right.
    await host.write(path, content, 0o644)
    if (status) await host.own(path, status)
    await host.setMode(path, status?.mode ?? 0o600)
  }
  try {
    await put(during)
    await work()
  } finally {
    await put(after)
  }
}

const OPTIONS = [
  'BatchMode=yes',
  'IdentitiesOnly=yes',
  'StrictHostKeyChecking=no',
  'UserKnownHostsFile=/dev/null',
  'ConnectTimeout=10',
  'LogLevel=ERROR',
]

async function expectAnswer(host: Host, user: string, key: string, input: string, answer: string): Promise<void> {
  const [port = 22] = await sshPorts(host)
  const options = OPTIONS.flatMap((option) => ['-o', option])
  const command = ['-F', '/dev/null', ...options, '-i', key, '-p', String(port), '-l', user, '--', '127.0.0.1']
  let said = ''
  // sshd takes a moment to read its configuration anew, and the wrong answer would be the old one's.
  for (let attempt = 1; attempt <= 3; attempt++) {
    await host.ask('sleep', ['0.3'])
    const { stdout, stderr } = await host.ask('ssh', command, input)
    if (stdout.includes(answer)) return
    said = (stderr || stdout).trim().split('\n').slice(-2).join(' ')
    if (!said.includes('Connection refused')) break
  }
  throw new Failure('error', `a new login of ${user} with a key does not succeed (${said || 'no answer'})`)
}
