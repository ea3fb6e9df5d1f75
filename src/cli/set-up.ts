import { access, copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { badInput, Failure, tryRun } from '../lib/index.ts'
import { hostSchema, parseEnvironments, portSchema, userSchema } from '../ssh/index.ts'
import type { Console } from './console.ts'
import { HOST_KEY, isExampleKey } from './doctor/remark.ts'

const SCRIPT = 'deployment/production/scripts/setup-production.sh'
const AGENT = 'dist/agent/index.js'
const ENVIRONMENTS = 'deployment/environments.yml'

/** The one command that the server's shell is given: everything that differs between two set-ups comes by standard input. */
const REMOTE = `exec sh -c 'd=$(mktemp -d) || exit 1; tar -xf - -C "$d" && sh "$d/run" "$d"; s=$?; rm -rf "$d"; exit $s'`

/** Runs on the server, in the folder that it was unpacked to. */
const RUN = `cd "$1"
set --
while IFS= read -r argument; do set -- "$@" "$argument"; done <arguments
if [ "$(id -u)" = 0 ]; then sh ./${SCRIPT} "$@"
elif sudo -n true 2>/dev/null; then sudo -n sh ./${SCRIPT} "$@"
else
  echo "$(id -un) is not root and may not become root without a password: log in as root, or run ${SCRIPT} at the console" >&2
  exit 40
fi || exit
echo "host key for ${ENVIRONMENTS}: $(cut -d ' ' -f 1,2 /etc/ssh/ssh_host_ed25519_key.pub)" >&2
`

/** Options of ours, all with a value; everything else is the script's. Those marked name a file that is brought along. */
const OWN = {
  '--port': 'port',
  '--host-key': 'host-key',
  '--identity': 'identity',
  '--ssh-config': 'ssh-config',
} as const
const BROUGHT = ['--node', '--restic', '--agent']

interface SetUp {
  user: string
  host: string
  own: ReadonlyMap<string, string>
  script: string[]
  brought: ReadonlyMap<string, string>
}

/** What of this process the person's own ssh may need: agent, configuration, terminal. */
const SSH_NEEDS = ['PATH', 'HOME', 'USER', 'LOGNAME', 'SSH_AUTH_SOCK', 'SSH_ASKPASS', 'DISPLAY', 'TERM', 'LANG']

/**
 * `setup user@host`: brings setup-production.sh with this package's agent to a server and runs it there, by the ssh of the person who
 * asks, who needs root there. A host key that is neither known nor given is refused.
 * @returns the exit code of the script.
 */
export async function setUpCommand(args: readonly string[], { print, aside, root, env }: Console): Promise<number> {
  const setUp = parse(args)
  const directory = await mkdtemp(join(tmpdir(), 'pacs-setup-'))
  try {
    const childEnv = Object.fromEntries(
      SSH_NEEDS.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])),
    )
    const parcel = await pack(setUp, root, join(directory, 'parcel'), childEnv)
    const given = setUp.own.get('host-key')
    const pinned = given === undefined ? await pinnedKeys(setUp.host) : []
    const ssh = await sshArguments(setUp, given === undefined ? pinned : [given], directory)
    aside(`setting ${setUp.host} up as ${setUp.user}`)
    const onLine = (line: string, stream: 'stdout' | 'stderr') => (stream === 'stdout' ? print(line) : aside(line))
    const { code, stderr } = await tryRun('ssh', [...ssh, REMOTE], { env: childEnv, input: parcel, onLine })
    if (code === 255) throw unreachable(setUp.host, pinned.length > 0, stderr)
    return code
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

function parse(args: readonly string[]): SetUp {
  const [target = '', ...rest] = args
  const at = target.lastIndexOf('@')
  const [user, host] = [target.slice(0, Math.max(at, 0)), target.slice(at + 1)]
  if (!userSchema.safeParse(user).success || !hostSchema.safeParse(host).success) {
    throw badInput(
      `setup: who and where? "${target}" is no user@host (pacs-deploy setup root@server.example.org --check)`,
    )
  }
  const own = new Map<string, string>()
  const brought = new Map<string, string>()
  const script: string[] = []
  for (let index = 0; index < rest.length; index++) {
    const argument = rest[index] ?? ''
    if (argument.includes('\n')) throw badInput('setup: an argument holds more than one line')
    const name = Object.entries(OWN).find(([option]) => option === argument)?.[1]
    if (name === undefined && !BROUGHT.includes(argument)) {
      script.push(argument)
      continue
    }
    const value = rest[++index]
    if (value === undefined) throw badInput(`setup: ${argument} needs a value`)
    if (name !== undefined) own.set(name, value)
    else {
      const file = argument.slice(2)
      brought.set(file, value)
      script.push(argument, file)
    }
  }
  const port = own.get('port')
  if (port !== undefined && !portSchema.safeParse(Number(port)).success)
    throw badInput(`setup: --port ${port} is no port`)
  return { user, host, own, script, brought }
}

/** The script with all that it takes, as the tar archive that the server unpacks. */
async function pack({ script, brought }: SetUp, root: string, parcel: string, env: Record<string, string>) {
  const files: [from: string, to: string][] = [
    // The script calls others that lie beside it.
    ...(await readdir(join(root, dirname(SCRIPT)))).map((name): [string, string] => {
      const path = join(dirname(SCRIPT), name)
      return [join(root, path), path]
    }),
    [join(root, AGENT), AGENT],
    ...[...brought].map(([to, from]): [string, string] => [from, to]),
  ]
  for (const [from, to] of files) {
    await mkdir(dirname(join(parcel, to)), { recursive: true })
    await copyFile(from, join(parcel, to)).catch(() => {
      throw badInput(`setup: ${from} cannot be read`)
    })
  }
  await writeFile(join(parcel, 'run'), RUN)
  await writeFile(join(parcel, 'arguments'), script.map((argument) => `${argument}\n`).join(''))
  const bytes: Uint8Array[] = []
  const options = { env: { ...env, COPYFILE_DISABLE: '1' }, onBytes: (chunk: Uint8Array) => void bytes.push(chunk) }
  const { code, stderr } = await tryRun('tar', ['-C', parcel, '-cf', '-', '.'], options)
  if (code !== 0) throw new Failure('error', `tar cannot pack what is brought: ${stderr}`)
  return Buffer.concat(bytes)
}

/** Arguments of ssh: the person's own configuration, but no host key that is not known. */
async function sshArguments({ user, host, own }: SetUp, keys: readonly string[], directory: string): Promise<string[]> {
  const pinned: string[] = []
  if (keys.length > 0) {
    const knownHosts = join(directory, 'known_hosts')
    await writeFile(knownHosts, keys.map((key) => `pacs-server ${key.trim()}\n`).join(''))
    pinned.push('-o', 'HostKeyAlias=pacs-server', '-o', `UserKnownHostsFile=${knownHosts}`)
  }
  return [
    ...(own.has('ssh-config') ? ['-F', own.get('ssh-config') ?? ''] : []),
    ...(own.has('port') ? ['-p', own.get('port') ?? ''] : []),
    ...(own.has('identity') ? ['-i', own.get('identity') ?? ''] : []),
    ...['-o', 'StrictHostKeyChecking=yes', ...pinned, '-T', '-l', user, '--', host],
  ]
}

/** The host keys that the environments file of this checkout has for `host`, without those that are still the example. */
async function pinnedKeys(host: string): Promise<string[]> {
  const readable = await access(ENVIRONMENTS).then(
    () => true,
    () => false,
  )
  if (!readable) return []
  const environments = parseEnvironments(ENVIRONMENTS, await readFile(ENVIRONMENTS, 'utf8'))
  return environments
    .filter(({ target }) => target.host === host)
    .flatMap(({ target }) => target['host-keys'].filter((key) => !isExampleKey(key)))
}

function unreachable(host: string, isPinned: boolean, said: string): Failure {
  const last = said.trim().split('\n').at(-1) ?? ''
  if (/host key/i.test(said)) {
    return badInput(
      `the host key of ${host} is not the ${isPinned ? `one in ${ENVIRONMENTS}` : 'known one'} (${last}): ` +
        `${isPinned ? 'correct it there, or ' : ''}give it by --host-key 'ssh-ed25519 AAAA…': ${HOST_KEY}`,
    )
  }
  if (/Permission denied/.test(said)) return badInput(`${host} does not let this person in: ${last}`)
  return new Failure('unreachable', `${host} cannot be reached: ${last || 'ssh ended without a word'}`)
}
