#!/bin/sh
# As the vendor's: an empty folder becomes a cluster with the user, password and database of the environment, then the command.
set -e
if [ "${1#-}" != "$1" ]; then
  set -- postgres "$@"
fi
if [ "$1" = postgres ] && [ ! -s "$PGDATA/PG_VERSION" ]; then
  user=${POSTGRES_USER:-postgres}
  host=${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}
  if [ "$host" = trust ]; then
    initdb $POSTGRES_INITDB_ARGS --username="$user" --no-sync --auth-local=trust --auth-host=trust >/dev/null
  else
    initdb $POSTGRES_INITDB_ARGS --username="$user" --no-sync --pwfile="$POSTGRES_PASSWORD_FILE" --auth-local=trust --auth-host=scram-sha-256 >/dev/null
  fi
  echo "host all all all $host" >>"$PGDATA/pg_hba.conf"
  echo "listen_addresses = '*'" >>"$PGDATA/postgresql.conf"
  # Only by its socket: nobody is to take this for the database that comes after it.
  pg_ctl start --wait --options '-c listen_addresses=' >/dev/null
  createdb --username="$user" "${POSTGRES_DB:-$user}"
  pg_ctl stop --wait --mode fast >/dev/null
fi
exec "$@"
