// Where on a server a secret can be found: files, logs, journals, images, and the arguments of every program that the agent runs.
import type { Machine } from '../lab/index.ts'

const TRACE = '/root/trace'

/** What runs a program so that the arguments of it and of all that it starts are written to `file`, one line each. */
export function tracedTo(file: string): readonly string[] {
  return ['strace', '-f', '--seccomp-bpf', '-e', 'trace=execve', '-s', '100000', '-o', file]
}

/** Puts strace, which a server does not have, on it from the runner, which runs the same Debian. */
async function bringStrace(runner: Machine, server: Machine): Promise<void> {
  const pack = 'cd / && tar -czhf - usr/bin/strace usr/lib/x86_64-linux-gnu/libunwind*.so.* | base64 -w0'
  const archive = Buffer.from(await runner.run(['sh', '-c', pack]), 'base64')
  await server.run(['tar', '-C', '/', '-xzf', '-'], { input: archive })
}

/** Writes down the arguments of every program that the agent runs until the returned function is called. */
export async function traceAgent(runner: Machine, server: Machine): Promise<() => Promise<string>> {
  await bringStrace(runner, server)
  const pid = (await server.run(['systemctl', 'show', '-p', 'MainPID', '--value', 'pacs-agent'])).trim()
  const strace = ['strace', '-f', '-e', 'trace=execve', '-s', '100000', '-p', pid, '-o', TRACE]
  await server.run(['systemd-run', '--quiet', '--unit=trace', ...strace])
  return async () => {
    await server.run(['systemctl', 'stop', 'trace'])
    return server.readText(TRACE)
  }
}

/**
 * Looks for secrets everywhere on a server but in the memory of its processes.
 * @param secrets name → one line of text
 * @returns for each name the files that hold it, and `journal`, `logs of NAME`, `inspect of NAME`, `image NAME` for what is no file.
 */
export async function placesOf(
  server: Machine,
  secrets: Readonly<Record<string, string>>,
): Promise<Record<string, string[]>> {
  await server.copyIn(Buffer.from(SEARCH), '/root/search.sh', 0o755)
  const input = Object.values(secrets).map((secret) => `${secret}\n`)
  const found = (await server.run(['/root/search.sh'], { input: input.join('') })).split('\n')
  if (found.pop() !== 'searched') throw new Error('the server was not searched to its end')
  return Object.fromEntries(
    Object.entries(secrets).map(([name, secret]) => [
      name,
      found.filter((line) => line.endsWith(`\t${secret}`)).map((line) => line.slice(0, -secret.length - 1)),
    ]),
  )
}

const SEARCH = `#!/bin/sh
# Prints "place<tab>secret" for each line of standard input, so that no argument holds a secret.
set -u
umask 077
patterns=$(mktemp /dev/shm/patterns.XXXXXX)
trap 'rm -f "$patterns"' EXIT
cat > "$patterns"
held() { grep -aoF -f "$patterns" | sort -u | while read -r secret; do printf '%s\\t%s\\n' "$1" "$secret"; done; }
grep -raZoF -f "$patterns" /opt/pacs /run/pacs /var/log /tmp /etc/systemd ${TRACE} 2>/dev/null | tr '\\000' '\\t' | sort -u
journalctl --no-pager -o json | held journal
for id in $(docker ps -aq); do
  name=$(docker inspect -f '{{.Name}}' "$id")
  docker logs "$id" 2>&1 | held "logs of $name"
  docker inspect "$id" | held "inspect of $name"
done
for image in $(docker images -q | sort -u); do
  { docker image inspect "$image"; docker history --no-trunc "$image"; } | held "image $image"
done
echo searched
`

/**
 * Looks for secrets in all that an image of a machine's engine consists of: manifest, configuration and every layer, those that a
 * later layer hides too. What a file in a layer has compressed by itself is not unpacked.
 * @param secrets name → one line of text
 * @returns the names of those that it holds, sorted
 */
export async function secretsInImage(
  machine: Machine,
  image: string,
  secrets: Readonly<Record<string, string>>,
): Promise<string[]> {
  await machine.copyIn(Buffer.from(SEARCH_IMAGE), '/root/search-image.sh', 0o755)
  const input = Object.values(secrets).map((secret) => `${secret}\n`)
  const found = (await machine.run(['/root/search-image.sh', image], { input: input.join('') })).split('\n')
  if (found.pop() !== 'searched') throw new Error(`${image} was not searched to its end`)
  return Object.keys(secrets)
    .filter((name) => found.includes(secrets[name] ?? ''))
    .sort()
}

const SEARCH_IMAGE = `#!/bin/sh
# Prints each line of standard input that the image holds. Layers are packed in one image store and plain in the other.
set -eu
umask 077
patterns=$(mktemp /dev/shm/patterns.XXXXXX)
parts=$(mktemp -d /var/tmp/image.XXXXXX)
trap 'rm -rf "$patterns" "$parts"' EXIT
cat > "$patterns"
docker save "$1" | tar -xf - -C "$parts"
[ -s "$parts/manifest.json" ]
find "$parts" -type f | while read -r part; do
  if gzip -t "$part" 2>/dev/null; then zcat "$part"; else cat "$part"; fi
done | { grep -aoFf "$patterns" || [ $? = 1 ]; } | sort -u
echo searched
`
