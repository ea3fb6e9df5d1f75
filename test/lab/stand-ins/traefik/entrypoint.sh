#!/bin/sh
# As the vendor's: a flag or a subcommand is one for traefik.
set -e
if [ "${1#-}" != "$1" ] || [ "$1" = healthcheck ] || [ "$1" = version ]; then
  set -- traefik "$@"
fi
exec "$@"
