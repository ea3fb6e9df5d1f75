#!/bin/sh
# Orthanc over images that another index names would show none of them: it does not start then.
set -eu
storage=/var/lib/orthanc/db
# A file of SQLite is there exactly while the index is SQLite's.
sqlite=$storage/index
image=
if [ -d "$storage" ]; then
  image=$(find "$storage" -path "$storage/[0-9a-f][0-9a-f]/[0-9a-f][0-9a-f]/*" -type f -print -quit)
fi

refuse() {
  echo "refused: $1; how an archive changes over: orthanc/README.md" >&2
  exit 10
}

if [ "${ORTHANC__POSTGRESQL__ENABLE_INDEX:-false}" = true ]; then
  if [ -n "$image" ] && [ -e "$sqlite" ]; then
    refuse "the images in the volume are in an index of SQLite ($sqlite), PostgreSQL's would show none of them: stay with SQLite (docker-compose.small.yml)"
  fi
  # One that names no image would be taken for theirs once there are some.
  for suffix in '' -wal -shm -journal; do
    if [ -e "$sqlite$suffix" ]; then mv "$sqlite$suffix" "$storage/index.before-postgresql$suffix"; fi
  done
elif [ -n "$image" ] && [ ! -e "$sqlite" ]; then
  refuse "the images in the volume are in no index of SQLite (there is no $sqlite), a new one would show none of them: stay with PostgreSQL (without docker-compose.small.yml)"
fi
exec /docker-entrypoint.sh /tmp/orthanc.json
