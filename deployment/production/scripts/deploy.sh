#!/bin/sh
# Deploys a release from the console of the server: the same transaction that the deploy action asks for.
set -eu

usage() {
  cat <<'TEXT'
usage: deploy.sh RELEASE [--allow-core] [--watch 60s] [--hold 5m] [--keep-warm 10m] [--json]

  RELEASE  the output `release` of the push action: registry/repository/release@sha256:…

Exits with the class of the outcome; `pacs-agent --help` lists them.
TEXT
}

case ${1:-} in
  '') usage >&2; exit 40 ;;
  -h | --help) usage; exit 0 ;;
  *@sha256:*) ;;
  *) printf 'deploy: %s is no release by digest (--help)\n' "$1" >&2; exit 40 ;;
esac
command -v pacs-agent >/dev/null || {
  echo 'deploy: there is no pacs-agent here: run setup-production.sh first' >&2
  exit 50
}
exec pacs-agent deploy "$@"
