// Where on a server a secret can be found: files, logs, journals, images, and the arguments of every program that the agent runs.
import type { Machine } from '../lab/index.ts'

const TRACE = '/root/trace'

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
 * Looks for `secret` everywhere on a server but in the memory of its processes.
 * @returns the files that hold it, and `journal`, `logs of NAME`, `inspect of NAME`, `image NAME` for what is no file.
 */
export async function placesOf(server: Machine, secret: string): Promise<string[]> {
  await server.copyIn(Buffer.from(SEARCH), '/root/search.sh', 0o755)
  const found = await server.run(['/root/search.sh'], { input: `${secret}\n` })
  return found.split('\n').filter(Boolean)
}

const SEARCH = `#!/bin/sh
# The secret comes in by standard input, so that no argument holds it.
umask 077
pattern=$(mktemp /dev/shm/pattern.XXXXXX)
cat > "$pattern"
grep -rlF -f "$pattern" /opt/pacs /run/pacs /var/log /tmp /etc/systemd ${TRACE} 2>/dev/null
journalctl --no-pager -o json | grep -qF -f "$pattern" && echo journal
for id in $(docker ps -aq); do
  name=$(docker inspect -f '{{.Name}}' "$id")
  docker logs "$id" 2>&1 | grep -qF -f "$pattern" && echo "logs of $name"
  docker inspect "$id" | grep -qF -f "$pattern" && echo "inspect of $name"
done
for image in $(docker images -q | sort -u); do
  { docker image inspect "$image"; docker history --no-trunc "$image"; } | grep -qF -f "$pattern" && echo "image $image"
done
rm -f "$pattern"
exit 0
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
