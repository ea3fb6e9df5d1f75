#!/bin/sh
# As the vendor's: mongod is the default program and runs as mongodb, whoever starts it. MONGO_INITDB_… is not known here.
set -e
[ "${1#-}" = "$1" ] || set -- mongod "$@"
if env | grep -q '^MONGO_INITDB_'; then
  echo 'the stand-in for mongo knows no MONGO_INITDB_ variables' >&2
  exit 1
fi
if [ "$1" = mongod ] && [ "$(id -u)" = 0 ]; then
  chown mongodb:mongodb /data/db /data/configdb
  exec setpriv --reuid mongodb --regid mongodb --clear-groups "$0" "$@"
fi
exec "$@"
