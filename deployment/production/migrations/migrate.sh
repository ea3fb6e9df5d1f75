#!/bin/sh
# Migrates the database from the console of the server: the same transaction that the migrate action asks for.
set -eu

usage() {
  cat <<'TEXT'
usage: migrate.sh RELEASE [--phase expand|data|contract] [--reason TEXT] [--allow-core] [--no-backup REASON] [--json]

  RELEASE  the output `release` of the push action: registry/repository/release@sha256:…

expand (the default) goes before the deploy of RELEASE, data and contract after it. A fresh backup is taken first.
Exits with the class of the outcome; `pacs-agent --help` lists them.
TEXT
}

case ${1:-} in
  '') usage >&2; exit 40 ;;
  -h | --help) usage; exit 0 ;;
  *@sha256:*) ;;
  *) printf 'migrate: %s is no release by digest (--help)\n' "$1" >&2; exit 40 ;;
esac
command -v pacs-agent >/dev/null || {
  echo 'migrate: there is no pacs-agent here: run setup-production.sh first' >&2
  exit 50
}
exec pacs-agent migrate "$@"
