#!/bin/sh
# Makes a Debian machine a server for pacs-deploy, or brings it up to date. A second run changes nothing.
set -eu

usage() {
  cat <<'TEXT'
usage: setup-production.sh --agent FILE --node FILE [--key 'NAME=ssh-ed25519 AAAA…']…

  --agent FILE  the agent: dist/agent/index.js of the pacs-deploy version that your workflows use
  --node FILE   the program `node`, version 24, for this machine (from nodejs.org, checked against its SHASUMS256)
  --key TEXT    a public key that may deploy here, and the name under which the audit records it; may be repeated

Needs root, systemd, sshd and Docker. Prints what it changes.
TEXT
}

fail() {
  printf 'setup-production: %s\n' "$1" >&2
  exit "${2:-40}"
}

agent='' node=''
keys=0
for argument in "$@"; do
  # Rotates through all arguments; what stays in "$@" goes to the agent.
  shift
  case ${expect:-} in
    agent) agent=$argument expect='' ;;
    node) node=$argument expect='' ;;
    key) set -- "$@" --key "$argument"; expect='' keys=$((keys + 1)) ;;
    '')
      case $argument in
        --agent | --node | --key) expect=${argument#--} ;;
        -h | --help) usage; exit 0 ;;
        *) fail "what is $argument? (--help)" ;;
      esac
      ;;
  esac
done
[ -z "${expect:-}" ] || fail "--$expect needs a value"
[ -n "$agent" ] && [ -n "$node" ] || fail '--agent and --node are both needed (--help says where they come from)'
[ -f "$agent" ] || fail "--agent: $agent is no file"
[ -f "$node" ] || fail "--node: $node is no file"
[ "$(id -u)" = 0 ] || fail 'root is needed: sudo'

trial=$(mktemp -d)
trap 'rm -rf "$trial"' EXIT
install -m 0755 "$node" "$trial/node"
version=$("$trial/node" --version 2>/dev/null) || fail "--node: $node does not run on this machine"
case $version in
  v24.*) ;;
  *) fail "--node: $node is $version, Node 24 is needed" ;;
esac
if ! cmp -s "$node" /opt/pacs/bin/node; then
  install -D -m 0755 "$node" /opt/pacs/bin/node
  echo "changed: /opt/pacs/bin/node ($version; a running agent uses it from its next start)"
fi

# The agent is a module; node learns that from a package.json beside it.
install -m 0644 "$agent" "$trial/index.js"
echo '{ "type": "module" }' >"$trial/package.json"
/opt/pacs/bin/node "$trial/index.js" setup "$@"
[ "$keys" -gt 0 ] || [ "$(grep -c '^restrict,' /etc/pacs-agent/authorized_keys)" -gt 0 ] ||
  echo "note: no key may deploy here yet (--key)"
