#!/bin/sh
# Makes a Debian machine a server for pacs-deploy, or brings it up to date. A second run changes nothing.
set -eu

usage() {
  cat <<'TEXT'
usage: setup-production.sh [--apply | --check | --plan | --undo] [OPTION]…

  --apply           sets up, or brings up to date (the default)
  --check [--json]  changes nothing; a table of the steps and what differs; exits with 11 when something does
  --plan [--json]   changes nothing; what --apply would change, in its order
  --undo            takes back what was done, but for data, secrets and packages

  --key TEXT        'NAME=ssh-ed25519 AAAA…': a public key that may deploy here, and its name in the audit; may be repeated
  --open TEXT       PORT or PORT=SOURCE,…: a port that the firewall lets in; 80 and 443 if none is given; may be repeated
                    (--open 80 --open 443 --open 4242=10.20.0.0/16 admits modalities of that network)
  --mongodb TEXT    the version of MongoDB, by which the kernel's huge pages are set: 8.0 if it is not given
  --without NAME    leaves a step of the hardening out, from now on; `hardening` for all; may be repeated
  --with NAME       takes it in again
  --only NAME       this step only (--check names them); may be repeated
  --agent FILE      the agent: dist/agent/index.js of the pacs-deploy version that your workflows use
  --node FILE       the program `node`, version 24, for this machine
  --restic FILE     the program `restic`, which keeps the backups
  --mirror URL      where your network keeps copies: https://nodejs.org/dist/… is fetched from URL/nodejs.org/dist/…

Choices are remembered: a later run without options changes nothing. Secrets are made by the make-secrets.sh beside this script.
The agent is taken from the checkout or release that this script lies in. What is neither given nor there is fetched, and used
only if its SHA-256 is the one pinned here; with --agent and --node given, nothing is fetched. A proxy is taken from https_proxy.
Needs root, systemd, sshd and Docker. Names all that is wrong before it changes anything, and prints what it changes.
TEXT
}

# The pins, written by `npm run build` from tools.lock.json: tool, platform, URL, SHA-256 of what it gives and of the program in it.
pins() {
  cat <<'TEXT'
node linux-x64 https://nodejs.org/dist/v24.21.0/node-v24.21.0-linux-x64.tar.gz 6e1db87ef58b8819e5d5402eff1536491b18edd8eb7bee5ef7897876e88dc5ff 7fde7b8afa198da66257f42ee2001d874c7355631e6d1579a5fb5ef1f246df4c
node linux-arm64 https://nodejs.org/dist/v24.21.0/node-v24.21.0-linux-arm64.tar.gz 724282c3b43aec998aa9527380465b45d229e021b58035f5f4f63095eabfe5d5 0f8949d1028f6d61506b2d5bc57e7e6fe893d7b1997509b7847294fc9c616584
restic linux-x64 https://github.com/restic/restic/releases/download/v0.18.1/restic_0.18.1_linux_amd64.bz2 680838f19d67151adba227e1570cdd8af12c19cf1735783ed1ba928bc41f363d 01143daba61a1dc8afb0cb3d03ba83e6b118f55b6b146b27473a09efc3df13d6
restic linux-arm64 https://github.com/restic/restic/releases/download/v0.18.1/restic_0.18.1_linux_arm64.bz2 87f53fddde38764095e9c058a3b31834052c37e5826d2acf34e18923c006bd45 f04a6bf766a33fba44b5be068e29091259dda5ef37f1e68ba9a8e0cda053120e
agent linux-x64 https://raw.githubusercontent.com/org/pacs-deploy/v0.1.0/dist/agent/index.js db1369a76cc753f2a35c6eaaabde9e508a0b3f02d015b6b52be7c7a8237a640c db1369a76cc753f2a35c6eaaabde9e508a0b3f02d015b6b52be7c7a8237a640c
agent linux-arm64 https://raw.githubusercontent.com/org/pacs-deploy/v0.1.0/dist/agent/index.js db1369a76cc753f2a35c6eaaabde9e508a0b3f02d015b6b52be7c7a8237a640c db1369a76cc753f2a35c6eaaabde9e508a0b3f02d015b6b52be7c7a8237a640c
TEXT
}
# End of the pins.

problems=0
problem() {
  printf 'setup-production: %s\n' "$1" >&2
  problems=$((problems + 1))
}

agent='' node='' restic='' mirror='' json='' mode=''
for argument in "$@"; do
  # Rotates through all arguments; what stays in "$@" goes to the agent.
  shift
  case ${expect:-} in
    agent) agent=$argument expect='' ;;
    node) node=$argument expect='' ;;
    restic) restic=$argument expect='' ;;
    mirror) mirror=${argument%/} expect='' ;;
    key | open | mongodb | without | with | only) set -- "$@" "--$expect" "$argument"; expect='' ;;
    '')
      case $argument in
        --agent | --node | --restic | --mirror | --key | --open | --mongodb | --without | --with | --only)
          expect=${argument#--} ;;
        --apply | --check | --plan | --undo)
          case $mode in
            '' | "$argument") mode=$argument ;;
            *) problem "$mode and $argument: one of them at a time" ;;
          esac
          ;;
        --json) json=yes; set -- "$@" --json ;;
        -h | --help) usage; exit 0 ;;
        *) problem "what is $argument? (--help)" ;;
      esac
      ;;
  esac
done
mode=${mode:---apply}
# What is said beside the answer: a program reads standard output as a whole.
exec 3>&1
[ -z "$json" ] || exec 3>&2
[ -z "${expect:-}" ] || problem "--$expect needs a value"
case $mirror in
  '' | https://?*) ;;
  *) problem "--mirror: $mirror is no https:// address" ;;
esac
for file in "$agent" "$node" "$restic"; do
  [ -z "$file" ] || [ -f "$file" ] || problem "$file is no file"
done
platform=''
case $(uname -m) in
  x86_64) platform=linux-x64 ;;
  aarch64) platform=linux-arm64 ;;
  *) problem "this machine is $(uname -m): x86_64 or aarch64 is needed" ;;
esac
free=$(df -Pk /opt | awk 'NR == 2 { print $4 }')
[ "$free" -ge 1048576 ] || problem "/opt has $((free / 1024)) MiB free, 1024 are needed"
[ "$(id -u)" = 0 ] || problem 'root is needed: sudo'
# Without root the rest cannot be known.
[ "$problems" = 0 ] || [ "$(id -u)" = 0 ] || exit 40

# What a cut run left.
find /opt -maxdepth 1 -name '.pacs-setup.*' -mmin +60 -exec rm -rf {} + || :
# Not below /tmp, where hardened systems let nothing run.
trial=$(mktemp -d /opt/.pacs-setup.XXXXXX)
trap 'rm -rf "$trial"' EXIT
trap 'exit 130' HUP INT TERM

is() {
  [ -f "$2" ] && [ "$(sha256sum <"$2" | cut -d ' ' -f 1)" = "$1" ]
}

# fetch TOOL INSTALLED: puts the pinned program at $trial/TOOL; what is installed already is not fetched again.
# Returns 1 when it cannot be had, 2 when it is not what is pinned; says why in $why.
fetch() {
  [ -n "$platform" ] || {
    why="there is no $1 for this machine"
    return 1
  }
  read -r _ _ url archive program <<TEXT
$(pins | grep "^$1 $platform ")
TEXT
  if is "$program" "$2"; then
    install -m 0755 "$2" "$trial/$1"
    return
  fi
  [ -z "$mirror" ] || url=$mirror/${url#https://}
  echo "fetching $url" >&3
  said=$(curl -fsSL --proto =https --connect-timeout 20 --speed-limit 1000 --speed-time 60 \
    -o "$trial/archive" "$url" 2>&1) || {
    why="$url: $(printf '%s' "$said" | head -n 1)"
    return 1
  }
  if ! is "$archive" "$trial/archive"; then
    why="$url has the SHA-256 $(sha256sum <"$trial/archive" | cut -d ' ' -f 1), pinned is $archive"
    return 2
  fi
  case $url in
    *.tar.gz) said=$(tar -xzf "$trial/archive" -O --wildcards '*/bin/node' 2>&1 >"$trial/$1") ;;
    *.bz2) said=$(bunzip2 2>&1 <"$trial/archive" >"$trial/$1") ;;
    *) said=$(mv "$trial/archive" "$trial/$1" 2>&1) ;;
  esac || {
    why="$url cannot be unpacked: $(printf '%s' "$said" | head -n 1)"
    return 1
  }
  if ! is "$program" "$trial/$1"; then
    why="the program in $url is not the pinned one"
    return 2
  fi
  chmod 0755 "$trial/$1"
}

# The agent of the checkout or release that this script is part of: only from the owner of the script.
beside() {
  here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
  for file in "$here/../../agent/index.js" "$here/../../../dist/agent/index.js"; do
    if [ -f "$file" ] && [ "$(stat -Lc %u "$file")" = "$(stat -Lc %u "$0")" ]; then
      printf '%s' "$file"
      return
    fi
  done
}

# Where nothing is to be installed, what is installed will do.
if [ "$mode" != --apply ] && [ -z "$agent$node" ] && [ -x /opt/pacs/bin/node ] && [ -f /opt/pacs/bin/launch.js ]; then
  node=/opt/pacs/bin/node agent=/opt/pacs/bin/launch.js
fi

# take TOOL FILE INSTALLED: puts the given file, or what is fetched, at $trial/TOOL.
take() {
  if [ -n "$2" ]; then
    why="$2 cannot be copied to /opt"
    [ ! -f "$2" ] || install -m 0755 "$2" "$trial/$1"
  else
    fetch "$1" "$3" || {
      status=$?
      rm -f "$trial/$1"
      return $status
    }
  fi
}

offline=''
[ -z "$agent" ] || [ -z "$node" ] || offline=yes
[ -n "$agent" ] || agent=$(beside)
take node "$node" /opt/pacs/bin/node || problem "$why (or give --node FILE)"
take agent "$agent" /opt/pacs/bin/launch.js || problem "$why (or give --agent FILE)"
if [ -n "$restic$offline" ]; then
  [ -z "$restic" ] || take restic "$restic" '' || problem "$why"
else
  # A server works without it until backups are asked for; a wrong one is another matter.
  status=0
  take restic '' /opt/pacs/bin/restic || status=$?
  case $status in
    1) echo "note: $why" >&3 ;;
    2) problem "$why" ;;
  esac
fi

if [ -f "$trial/node" ]; then
  version=$("$trial/node" --version 2>/dev/null) || version='no program that runs on this machine'
  case $version in
    v24.*) ;;
    *) problem "--node: $node is $version, Node 24 is needed"; rm "$trial/node" ;;
  esac
fi
if [ -f "$trial/restic" ] && ! "$trial/restic" version >/dev/null 2>&1; then
  problem "--restic: $restic is no restic that runs on this machine"
fi

if [ ! -f "$trial/node" ] || [ ! -f "$trial/agent" ]; then
  echo 'setup-production: the rest is checked once node and the agent are here' >&2
  exit 40
fi
# The agent is a module; node learns that from a package.json beside it.
mv "$trial/agent" "$trial/index.js"
echo '{ "type": "module" }' >"$trial/package.json"
[ ! -f "$trial/restic" ] || set -- --restic "$trial/restic" "$@"
secrets=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)/make-secrets.sh
if [ -f "$secrets" ] && [ "$(stat -Lc %u "$secrets")" = "$(stat -Lc %u "$0")" ]; then
  set -- --make-secrets "$secrets" "$@"
fi
if [ "$problems" != 0 ]; then
  "$trial/node" "$trial/index.js" setup --check "$@" >/dev/null || :
  exit 40
fi
"$trial/node" "$trial/index.js" setup "$mode" --node "$trial/node" "$@"
