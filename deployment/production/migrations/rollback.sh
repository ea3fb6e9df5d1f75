#!/bin/sh
# Undoes migrations from the console of the server, exactly, by what they kept of each document. It rolls back data, not the app:
# that is `pacs-agent rollback`, and comes first where the app needs what is undone.
set -eu

usage() {
  cat <<'TEXT'
usage: rollback.sh ID --reason TEXT [--release RELEASE] [--keep DOCUMENT]… [--restore DOCUMENT]… [--no-backup REASON] [--json]

  ID        the last migration that stays, like 001_create_collections; `nothing` undoes them all
  RELEASE   id of the release that has the migrations, where that is not the one that serves (pacs-agent releases)
  DOCUMENT  one that was edited since, as the refusal names it ('reports "r7"'), or a whole collection (reports):
            kept as it is now, or restored as it was. Until each is decided nothing is undone, nor while one is named that
            nobody edited; what only the own code of a later migration brings to light stops the undo before the one
            that it concerns: ask again, it continues.

A fresh backup is taken first. Exits with the class of the outcome; `pacs-agent --help` lists them.
TEXT
}

case ${1:-} in
  '') usage >&2; exit 40 ;;
  -h | --help) usage; exit 0 ;;
  nothing | [0-9][0-9][0-9]_*) id=$1; shift ;;
  *) printf 'rollback: %s is no migration: name one like 001_create_collections, or nothing (--help)\n' "$1" >&2; exit 40 ;;
esac
command -v pacs-agent >/dev/null || {
  echo 'rollback: there is no pacs-agent here: run setup-production.sh first' >&2
  exit 50
}
exec pacs-agent migrate undo --to "$id" "$@"
